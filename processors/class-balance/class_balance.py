"""Draws how many files each class folder has."""

import argparse
import csv
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Files per class folder")
    parser.add_argument("--input-path", required=True, help="folder with one folder per class")
    parser.add_argument("--output-path", required=True, help="where class_balance.png and class_balance.csv go")
    parser.add_argument("--title", default="Files per class", help="heading of the picture")
    parser.add_argument("--group-by", choices=["path", "name"], default="path", help="path: every folder is a class of its own; name: folders of one name are one class, such as train/cat and test/cat")
    return parser.parse_args()


def group(folder: Path, by: str) -> str:
    """The class of files in a folder (relative to the input); those beside the folders belong to none."""
    if folder == Path():
        return "(no folder)"
    return folder.as_posix() if by == "path" else folder.name


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    counts = Counter(group(path.parent.relative_to(source), args.group_by) for path in source.rglob("*") if path.is_file())
    if not counts:
        raise SystemExit(f"no files below {source}")
    names = sorted(counts)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "class_balance.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "files"])
        writer.writerows((name, counts[name]) for name in names)
    figure, axes = plt.subplots(figsize=(max(6, len(names) * 0.6), 4.5), dpi=120)
    bars = axes.bar(names, [counts[name] for name in names], color="#3b7dd8")
    axes.bar_label(bars, padding=2, fontsize=8)
    axes.set_title(args.title)
    if max(map(len, names)) > 8:
        axes.tick_params("x", rotation=90)
    axes.set_ylabel("files")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(target / "class_balance.png")
    print(f"mlreef: classes={len(names)} files={sum(counts.values())} smallest={min(counts.values())} largest={max(counts.values())}")


if __name__ == "__main__":
    main()
