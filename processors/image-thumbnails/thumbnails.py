"""Makes a small JPEG of every image, and an index of them all."""

import argparse
import csv
import sys
from pathlib import Path

from PIL import Image, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Small pictures of large ones")
    parser.add_argument("--input-path", required=True, help="folder of images")
    parser.add_argument("--output-path", required=True, help="where the thumbnails and index.csv go")
    parser.add_argument("--side", type=int, default=128, help="longest side, in pixels")
    parser.add_argument("--quality", type=int, default=80, help="of the JPEG files, 1 to 95")
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
    if args.side < 1 or not 1 <= args.quality <= 95:
        raise SystemExit("--side must be at least 1, and --quality between 1 and 95")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    target.mkdir(parents=True, exist_ok=True)
    written = 0
    with (target / "index.csv").open("w", newline="", encoding="utf-8") as file:
        index = csv.writer(file)
        index.writerow(["image", "thumbnail", "width", "height", "mode"])
        for number, path in enumerate(files, 1):
            image = opened(path)
            if image is None:
                continue
            name = path.relative_to(source)
            place = target / name.with_name(f"{name.name}.jpg")
            place.parent.mkdir(parents=True, exist_ok=True)
            index.writerow([name, place.relative_to(target), *image.size, image.mode])
            if image.mode.startswith("I"):  # 16 bits: the upper 8 are seen
                image = image.convert("I").point(lambda value: value / 257).convert("L")
            clear = image.convert("RGBA")
            flat = Image.new("RGB", image.size, "white")
            flat.paste(clear, mask=clear.getchannel("A"))
            flat.thumbnail((args.side, args.side))
            flat.save(place, quality=args.quality)
            written += 1
            if number % 1000 == 0 or number == len(files):
                print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
