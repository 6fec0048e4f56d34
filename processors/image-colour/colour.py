"""Changes brightness, contrast, saturation and sharpness of every image, or makes it grey."""

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Other colours for every image")
    parser.add_argument("--input-path", required=True, help="folder of images")
    parser.add_argument("--output-path", required=True, help="where the changed images go")
    parser.add_argument("--brightness", type=float, default=1.0, help="1 leaves it, 0 is black")
    parser.add_argument("--contrast", type=float, default=1.0, help="1 leaves it, 0 is grey")
    parser.add_argument("--saturation", type=float, default=1.0, help="1 leaves it, 0 has no colour")
    parser.add_argument("--sharpness", type=float, default=1.0, help="1 leaves it, 0 is blurred, 2 sharpened")
    parser.add_argument("--greyscale", action="store_true", help="one channel instead of three")
    parser.add_argument("--invert", action="store_true", help="the negative")
    return parser.parse_args()


def changed(image: Image.Image, args: argparse.Namespace) -> Image.Image:
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if image.has_transparency_data and "A" not in image.getbands():
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if "A" in image.getbands() else None
    result = image.convert("L" if image.mode in {"L", "LA", "1"} else "RGB")
    for enhancer, factor in (
        (ImageEnhance.Brightness, args.brightness),
        (ImageEnhance.Contrast, args.contrast),
        (ImageEnhance.Color, args.saturation),
        (ImageEnhance.Sharpness, args.sharpness),
    ):
        if factor != 1.0:
            result = enhancer(result).enhance(factor)
    if args.invert:
        result = ImageOps.invert(result)
    if args.greyscale:
        result = result.convert("L")
    if alpha is not None:
        result.putalpha(alpha)
    return result


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
    if min(args.brightness, args.contrast, args.saturation, args.sharpness) < 0:
        raise SystemExit("no factor may be negative")
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
        changed(image, args).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
