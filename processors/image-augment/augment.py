"""Copies every image and adds turned, shifted and scaled variants of it, keeping the class folders."""

import argparse
import itertools
import random
import sys
from pathlib import Path

from PIL import Image, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Turned, shifted and scaled copies of every image")
    parser.add_argument("--input-path", required=True, help="folder of images, class folders are kept")
    parser.add_argument("--output-path", required=True, help="where the originals and the copies go")
    parser.add_argument("--copies", type=int, default=1, help="variants per image")
    parser.add_argument("--rotate", type=float, default=12.0, help="largest turn to either side, in degrees")
    parser.add_argument("--shift", type=float, default=0.08, help="largest shift as a share of the width")
    parser.add_argument("--zoom", type=float, default=0.08, help="largest change of scale as a share")
    parser.add_argument("--flip", action="store_true", help="also mirror left and right by chance")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def variant(image: Image.Image, chance: random.Random, args: argparse.Namespace) -> Image.Image:
    width, height = image.size
    turned = image.rotate(
        chance.uniform(-args.rotate, args.rotate),
        resample=Image.Resampling.BICUBIC,
        translate=(chance.uniform(-args.shift, args.shift) * width, chance.uniform(-args.shift, args.shift) * height),
    )
    scale = 1 + chance.uniform(-args.zoom, args.zoom)
    dx, dy = width * (1 - 1 / scale) / 2, height * (1 - 1 / scale) / 2
    box = (dx, dy, width - dx, height - dy)
    scaled = turned.transform(image.size, Image.Transform.EXTENT, box, resample=Image.Resampling.BICUBIC)
    if args.flip and chance.random() < 0.5:
        return scaled.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return scaled


def opened(path: Path) -> Image.Image | None:
    """The image, upright as its camera meant it; None with a warning for what cannot be read or is far too large."""
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        print(f"warning: {path.name} is left out: {error}", file=sys.stderr, flush=True)
        return None


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    chance, taken = random.Random(args.seed), set(files)
    written = 0
    for number, path in enumerate(files, 1):
        image = opened(path)
        if image is None:
            continue
        written += 1
        folder = target / path.relative_to(source).parent
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / path.name)
        free = (n for n in itertools.count(1) if path.with_name(f"{path.stem}-{n}{path.suffix}") not in taken)
        for copy in itertools.islice(free, args.copies):
            variant(image, chance, args).save(folder / f"{path.stem}-{copy}{path.suffix}")
        if number % 500 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
