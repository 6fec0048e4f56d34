"""Shows some images of every class folder side by side."""

import argparse
import itertools
import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A look at the images of every class")
    parser.add_argument("--input-path", required=True, help="folder with one folder of images per class")
    parser.add_argument("--output-path", required=True, help="where grid.png goes")
    parser.add_argument("--columns", type=int, default=10, help="images of each class")
    parser.add_argument("--side", type=int, default=48, help="size of one image, in pixels")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choice")
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
    if args.columns < 1 or args.side < 8:
        raise SystemExit("--columns must be at least 1, and --side at least 8")
    source, target = Path(args.input_path), Path(args.output_path)
    classes: dict[str, list[Path]] = {}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            classes.setdefault(str(path.parent.relative_to(source)), []).append(path)
    if not classes:
        raise SystemExit(f"no images below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    chance, step, label = random.Random(args.seed), args.side + 4, 120
    written = 0
    sheet = Image.new("RGB", (label + step * args.columns, step * len(classes)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (name, files) in enumerate(classes.items()):
        draw.text((6, row * step + args.side // 2 - 5), name[:18], fill="black")
        shown = filter(None, map(opened, chance.sample(files, len(files))))  # the next one steps in for a broken one
        for column, image in enumerate(itertools.islice(shown, args.columns)):
            if image.mode.startswith("I"):  # 16 bits: the upper 8 are seen
                image = image.convert("I").point(lambda value: value / 257).convert("L")
            sheet.paste(ImageOps.pad(image.convert("RGB"), (args.side, args.side), color="white"), (label + column * step, row * step))
            written += 1
    if not written:
        raise SystemExit(f"none of the images below {source} can be read")
    target.mkdir(parents=True, exist_ok=True)
    sheet.save(target / "grid.png")
    print(f"mlreef: step=1 classes={len(classes)} images={sum(map(len, classes.values()))}", flush=True)


if __name__ == "__main__":
    main()
