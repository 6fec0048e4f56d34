"""Trains an image classifier of scikit-learn and measures it on images that it did not see."""

import argparse
import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Image classifier of scikit-learn")
    parser.add_argument("--train-path", required=True, help="one folder of images per class, to learn from")
    parser.add_argument("--test-path", required=True, help="one folder of images per class, to be measured on")
    parser.add_argument("--output-path", required=True, help="where the model and its report go")
    parser.add_argument("--model", choices=["svm", "random-forest", "logistic", "knn"], default="svm", help="sort of model")
    parser.add_argument("--regularisation", type=float, default=10.0, help="C of svm and logistic")
    parser.add_argument("--trees", type=int, default=200, help="trees of the random forest")
    parser.add_argument("--neighbours", type=int, default=5, help="neighbours of knn")
    parser.add_argument("--size", type=int, default=8, help="images are scaled to this many pixels a side")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def load(folder: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {folder}")
    pixels = [np.asarray(Image.open(path).convert("L").resize((size, size)), dtype=np.float32).ravel() for path in files]
    return np.stack(pixels) / 255, np.array([path.parent.name for path in files])


def build(args: argparse.Namespace):
    if args.model == "svm":
        return SVC(C=args.regularisation, gamma="scale", random_state=args.seed)
    if args.model == "logistic":
        return LogisticRegression(C=args.regularisation, max_iter=1000)
    if args.model == "knn":
        return KNeighborsClassifier(args.neighbours)
    return RandomForestClassifier(args.trees, random_state=args.seed)


def main() -> None:
    args = parse()
    x_train, y_train = load(args.train_path, args.size)
    x_test, y_test = load(args.test_path, args.size)
    print(f"{len(x_train)} images to learn from, {len(x_test)} to be measured on", flush=True)
    # A learning curve: the same model on growing shares of the training data.
    order = np.random.default_rng(args.seed).permutation(len(x_train))
    for step, share in enumerate((0.1, 0.25, 0.5, 0.75, 1.0), 1):
        chosen = order[: max(2, int(len(order) * share))]
        model = build(args).fit(x_train[chosen], y_train[chosen])
        predicted = model.predict(x_test)
        accuracy, f1 = accuracy_score(y_test, predicted), f1_score(y_test, predicted, average="macro")
        print(f"mlreef: step={step} share={share} accuracy={accuracy:.6f} f1={f1:.6f}", flush=True)
    target = Path(args.output_path)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "model.pkl").open("wb") as file:
        pickle.dump(model, file)
    report = {"accuracy": accuracy, "f1": f1, "classes": sorted(set(y_train)), "size": args.size}
    (target / "report.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
