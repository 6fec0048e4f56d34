"""Cuts a part out of every image, keeping names and folders."""

import argparse
import random
import sys
from pathlib import Path

from PIL import Image, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A part of every image")
    parser.add_argument("--input-path", required=True, help="folder of images")
    parser.add_argument("--output-path", required=True, help="where the parts go")
    parser.add_argument("--share", type=float, default=0.8, help="share of width and height that is kept, above 0 and up to 1")
    parser.add_argument("--place", choices=["centre", "random", "top-left", "bottom-right"], default="centre", help="where to cut")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random places")
    return parser.parse_args()


def box(size: tuple[int, int], share: float, place: str, chance: random.Random) -> tuple[int, int, int, int]:
    width, height = (max(1, round(side * share)) for side in size)
    free = size[0] - width, size[1] - height
    left, top = {
        "centre": (free[0] // 2, free[1] // 2),
        "random": (chance.randint(0, free[0]), chance.randint(0, free[1])),
        "top-left": (0, 0),
        "bottom-right": free,
    }[place]
    return left, top, left + width, top + height


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
    if not 0 < args.share <= 1:
        raise SystemExit("--share must be above 0 and at most 1")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    chance = random.Random(args.seed)
    written = 0
    for number, path in enumerate(files, 1):
        image = opened(path)
        if image is None:
            continue
        written += 1
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        image.crop(box(image.size, args.share, args.place, chance)).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
