"""Resizes every image, keeping names and folders."""

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
FILTERS = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Every image in one size")
    parser.add_argument("--input-path", required=True, help="folder of images")
    parser.add_argument("--output-path", required=True, help="where the resized images go")
    parser.add_argument("--width", type=int, default=64, help="width of the result, in pixels")
    parser.add_argument("--height", type=int, default=64, help="height of the result, in pixels")
    parser.add_argument("--mode", choices=["stretch", "fit", "fill", "pad"], default="fill", help="what happens to other proportions")
    parser.add_argument("--filter", choices=["nearest", "bilinear", "lanczos"], default="lanczos", help="how pixels are interpolated")
    return parser.parse_args()


def resized(image: Image.Image, size: tuple[int, int], mode: str, method: Image.Resampling) -> Image.Image:
    if mode == "stretch":
        return image.resize(size, method)
    if mode == "fit":
        return ImageOps.contain(image, size, method)
    if mode == "pad":
        return ImageOps.pad(image, size, method)
    return ImageOps.fit(image, size, method)


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
    if args.width < 1 or args.height < 1:
        raise SystemExit("--width and --height must be at least 1")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    written = 0
    for number, path in enumerate(files, 1):
        image = opened(path)
        if image is None:
            continue
        written += 1
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        resized(image, (args.width, args.height), args.mode, FILTERS[args.filter]).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
