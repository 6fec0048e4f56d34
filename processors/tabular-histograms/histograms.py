"""Draws a histogram of every number in CSV tables, and how they depend on each other."""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

import tables


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Histograms and correlations")
    parser.add_argument("--input-path", required=True, help="folder of .csv files with the same columns")
    parser.add_argument("--output-path", required=True, help="where histograms.png, correlation.png and summary.csv go")
    parser.add_argument("--bins", type=int, default=30, help="bars of each histogram")
    parser.add_argument("--method", choices=["pearson", "spearman", "kendall"], default="pearson", help="sort of correlation")
    parser.add_argument("--most", type=int, default=24, help="columns drawn at most")
    parser.add_argument("--missing-markers", nargs="*", default=[], help="texts that mean a missing value, such as NA; empty cells always do")
    return parser.parse_args()


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    read = [tables.read(path, args.missing_markers) for path in tables.find(source, ".csv")]
    table = tables.typed(pd.concat(read, ignore_index=True))
    numbers = table.select_dtypes("number").iloc[:, : args.most]
    if numbers.empty:
        raise SystemExit("no column holds numbers only; texts such as NA are missing values when --missing-markers names them")
    target.mkdir(parents=True, exist_ok=True)
    table.describe(include="all").transpose().to_csv(target / "summary.csv")
    numbers.hist(bins=args.bins, figsize=(12, 2.2 * -(-numbers.shape[1] // 4) + 1), layout=(-1, 4), color="#3b7dd8")
    plt.tight_layout()
    plt.savefig(target / "histograms.png", dpi=110)
    related = numbers.corr(method=args.method)
    figure, axes = plt.subplots(figsize=(0.45 * len(related) + 3, 0.45 * len(related) + 2), dpi=110)
    drawn = axes.imshow(related, vmin=-1, vmax=1, cmap="RdBu_r")
    axes.set_xticks(range(len(related)), related.columns, rotation=90, fontsize=7)
    axes.set_yticks(range(len(related)), related.columns, fontsize=7)
    figure.colorbar(drawn, shrink=0.8, label=args.method)
    figure.tight_layout()
    figure.savefig(target / "correlation.png")
    print(f"mlreef: step=1 rows={len(table)} columns={table.shape[1]} missing={int(table.isna().sum().sum())}", flush=True)


if __name__ == "__main__":
    main()
