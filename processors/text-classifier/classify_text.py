"""Trains a text classifier (TF-IDF and a linear model) on class folders and measures it on texts that it did not see."""

import argparse
import json
import pickle
from pathlib import Path

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Which class a text belongs to")
    parser.add_argument("--input-path", required=True, help="folder with one folder of .txt files per class")
    parser.add_argument("--output-path", required=True, help="where model, predictions and report go")
    parser.add_argument("--lines", action="store_true", help="every line of a file is a text of its own")
    parser.add_argument("--model", choices=["logistic", "naive-bayes"], default="logistic", help="sort of model")
    parser.add_argument("--ngrams", type=int, default=2, help="longest group of words looked at, 1 to 4")
    parser.add_argument("--features", type=int, default=20000, help="groups of words used at most")
    parser.add_argument("--test-share", type=float, default=0.25, help="share of texts to be measured on, between 0 and 1")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def load(folder: str, lines: bool) -> tuple[list[str], list[str]]:
    texts, classes = [], []
    for path in sorted(Path(folder).rglob("*.txt")):
        content = path.read_text(encoding="utf-8", errors="replace")
        parts = [line for line in content.splitlines() if line.strip()] if lines else [content]
        texts += parts
        classes += [path.parent.name] * len(parts)
    if len(set(classes)) < 2:
        raise SystemExit(f"texts of two classes at least are needed: .txt files in folders below {folder}")
    return texts, classes


def main() -> None:
    args = parse()
    if not 1 <= args.ngrams <= 4:
        raise SystemExit("--ngrams must be between 1 and 4")
    texts, classes = load(args.input_path, args.lines)
    x_train, x_test, y_train, y_test = train_test_split(
        texts, classes, test_size=args.test_share, random_state=args.seed, stratify=classes
    )
    words = TfidfVectorizer(ngram_range=(1, args.ngrams), max_features=args.features, sublinear_tf=True)
    model = make_pipeline(words, LogisticRegression(C=10, max_iter=1000) if args.model == "logistic" else MultinomialNB(alpha=0.1))
    predicted = model.fit(x_train, y_train).predict(x_test)
    metrics = {"accuracy": accuracy_score(y_test, predicted), "f1": f1_score(y_test, predicted, average="macro")}
    print("mlreef: step=1 " + " ".join(f"{name}={value:.6f}" for name, value in metrics.items()), flush=True)
    target = Path(args.output_path)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "model.pkl").open("wb") as file:
        pickle.dump(model, file)
    shares = pd.DataFrame(model.predict_proba(x_test), columns=[f"p_{name}" for name in model.classes_])
    pd.concat([pd.DataFrame({"truth": y_test, "predicted": predicted}), shares], axis=1).to_csv(target / "predictions.csv", index=False)
    card = {"framework": "scikit-learn", "classes": list(model.classes_), "metrics": metrics}
    (target / "model.json").write_text(json.dumps(card, indent=1))


if __name__ == "__main__":
    main()
