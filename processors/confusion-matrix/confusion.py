"""Draws confusion matrix and ROC curves of predictions in CSV files."""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, roc_auc_score, roc_curve

import tables


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How right and wrong predictions are")
    parser.add_argument("--input-path", required=True, help="folder of .csv files of predictions")
    parser.add_argument("--output-path", required=True, help="where confusion.png and roc.png go")
    parser.add_argument("--truth", default="truth", help="column of true classes")
    parser.add_argument("--predicted", default="predicted", help="column of predicted classes")
    parser.add_argument("--prefix", default="p_", help="columns of probabilities are named so, followed by the class")
    parser.add_argument("--normalise", action="store_true", help="shares of each true class in place of counts")
    return parser.parse_args()


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    table = pd.concat([tables.read(path) for path in tables.find(source, ".csv")], ignore_index=True)
    for name in (args.truth, args.predicted):
        if name not in table:
            raise SystemExit(f"there is no column {name!r}: the table has {', '.join(table.columns)}")
    truth, predicted = table[args.truth].fillna("").astype(str), table[args.predicted].fillna("").astype(str)
    target.mkdir(parents=True, exist_ok=True)
    mode = "true" if args.normalise else None
    shown = ConfusionMatrixDisplay.from_predictions(truth, predicted, normalize=mode, cmap="Blues", colorbar=False)
    shown.figure_.tight_layout()
    shown.figure_.savefig(target / "confusion.png", dpi=120)
    told = f"mlreef: step=1 accuracy={accuracy_score(truth, predicted):.6f}"
    classes = [name for name in sorted(set(truth)) if f"{args.prefix}{name}" in table and truth.nunique() > 1]
    if classes:
        figure, axes = plt.subplots(figsize=(6, 6), dpi=120)
        areas = []
        for name in classes:
            score = tables.numbers(table[f"{args.prefix}{name}"])
            wrong, right, _ = roc_curve(truth == name, score)
            areas.append(roc_auc_score(truth == name, score))
            axes.plot(wrong, right, label=f"{name} ({areas[-1]:.3f})")
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
        axes.set(xlabel="false positives", ylabel="true positives", title="ROC")
        axes.legend(fontsize=8)
        figure.tight_layout()
        figure.savefig(target / "roc.png")
        told += f" auc={sum(areas) / len(areas):.6f}"
    print(told, flush=True)


if __name__ == "__main__":
    main()
