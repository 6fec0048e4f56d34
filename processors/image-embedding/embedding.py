"""Shows images as points in the plane, near where they are alike."""

import argparse
import csv
import os
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageOps
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

matplotlib.use("Agg")
import matplotlib.pyplot as plt

NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Images as points in the plane")
    parser.add_argument("--input-path", required=True, help="folder with one folder of images per class")
    parser.add_argument("--output-path", required=True, help="where embedding.png and embedding.csv go")
    parser.add_argument("--method", choices=["pca", "tsne", "umap"], default="tsne", help="how images become points")
    parser.add_argument("--perplexity", type=float, default=30.0, help="neighbourhood size of t-SNE")
    parser.add_argument("--neighbours", type=int, default=15, help="neighbourhood size of UMAP")
    parser.add_argument("--size", type=int, default=16, help="images are scaled to this many pixels a side")
    parser.add_argument("--limit", type=int, default=1000, help="at most this many images, evenly chosen")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def read(path: Path, size: int) -> np.ndarray | None:
    """The brightness of an image's pixels; None with a warning for what cannot be read or is far too large."""
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):  # 16 bits: the upper 8 are seen
                upright = upright.convert("I").point(lambda value: value / 257)
            return np.asarray(upright.convert("L").resize((size, size)), dtype=np.float32).ravel() / 255
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        print(f"warning: {path.name} is left out: {error}", file=sys.stderr, flush=True)
        return None


def placed(features: np.ndarray, args: argparse.Namespace) -> np.ndarray:
    if args.method == "pca":
        return PCA(2, random_state=args.seed).fit_transform(features)
    if args.method == "umap":
        os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.gettempdir())  # packages may lie where nothing can be written
        import umap  # its compiler takes seconds to load

        neighbours = max(2, min(args.neighbours, len(features) - 1))
        start = "spectral" if len(features) > 10 else "random"
        return umap.UMAP(n_neighbors=neighbours, init=start, random_state=args.seed, n_jobs=1).fit_transform(features)
    perplexity = min(args.perplexity, (len(features) - 1) / 3)
    return TSNE(2, perplexity=perplexity, random_state=args.seed, init="pca").fit_transform(features)


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(files) < 3:
        raise SystemExit(f"at least 3 images are needed below {source}, found {len(files)}")
    files = files[:: max(1, len(files) // args.limit)][: args.limit]
    pixels = {path: found for path in files if (found := read(path, args.size)) is not None}
    if len(pixels) < 3:
        raise SystemExit(f"at least 3 images are needed below {source}: {len(pixels)} can be read")
    files = list(pixels)
    points = placed(np.stack(list(pixels.values())), args)
    print(f"{len(files)} images, {args.method}", flush=True)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "embedding.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["file", "class", "x", "y"])
        for path, (x, y) in zip(files, points, strict=True):
            writer.writerow([path.relative_to(source), path.parent.name, f"{x:.4f}", f"{y:.4f}"])
    classes = sorted({path.parent.name for path in files})
    figure, axes = plt.subplots(figsize=(7, 6), dpi=120)
    for number, name in enumerate(classes):
        chosen = np.array([path.parent.name == name for path in files])
        axes.scatter(*points[chosen].T, s=10, label=name, color=plt.get_cmap("tab20")(number % 20))
    axes.legend(title="class", fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.set(xticks=[], yticks=[], title=f"{len(files)} images by {NAMES[args.method]}")
    figure.tight_layout()
    figure.savefig(target / "embedding.png")


if __name__ == "__main__":
    main()
