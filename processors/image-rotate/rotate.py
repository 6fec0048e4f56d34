"""Turns or mirrors every image, keeping names and folders."""

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Every image turned or mirrored")
    parser.add_argument("--input-path", required=True, help="folder of images")
    parser.add_argument("--output-path", required=True, help="where the turned images go")
    parser.add_argument("--angle", type=float, default=90.0, help="anticlockwise, in degrees")
    parser.add_argument("--expand", action=argparse.BooleanOptionalAction, default=True, help="grow the picture so that no corner is lost")
    parser.add_argument("--mirror", choices=["none", "left-right", "top-bottom"], default="none", help="mirror before turning")
    return parser.parse_args()


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
    written = 0
    for number, path in enumerate(files, 1):
        turned = opened(path)
        if turned is None:
            continue
        written += 1
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if args.mirror == "left-right":
            turned = ImageOps.mirror(turned)
        elif args.mirror == "top-bottom":
            turned = ImageOps.flip(turned)
        turned.rotate(args.angle, Image.Resampling.NEAREST if args.angle % 90 == 0 else Image.Resampling.BICUBIC, args.expand).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
