"""Bends every image by a smooth random field, or like a lens."""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Bent copies of every image")
    parser.add_argument("--input-path", required=True, help="folder of images")
    parser.add_argument("--output-path", required=True, help="where the bent images go")
    parser.add_argument("--kind", choices=["elastic", "lens"], default="elastic", help="sort of bending")
    parser.add_argument("--strength", type=float, default=0.1, help="largest shift as a share of the image's side")
    parser.add_argument("--smoothness", type=float, default=0.15, help="size of the waves as a share of the image's side")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def field(shape: tuple[int, int], args: argparse.Namespace, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    side = max(shape)
    if args.kind == "elastic":
        shifts = []
        for _ in range(2):
            smooth = ndimage.gaussian_filter(chance.uniform(-1, 1, shape), max(args.smoothness * side, 0.5))
            shifts.append(smooth / max(np.abs(smooth).max(), 1e-9) * args.strength * side)
        return rows + shifts[0], columns + shifts[1]
    y, x = rows / shape[0] - 0.5, columns / shape[1] - 0.5
    factor = 1 + args.strength * 4 * (x**2 + y**2)
    return (y * factor + 0.5) * shape[0], (x * factor + 0.5) * shape[1]


def bent(pixels: np.ndarray, where: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    values = pixels if pixels.ndim == 3 else pixels[..., None]
    channels = [ndimage.map_coordinates(values[..., n], where, order=1, mode="nearest") for n in range(values.shape[2])]
    return np.stack(channels, axis=-1).reshape(pixels.shape)


def kept(image: Image.Image) -> Image.Image:
    """The image in a mode whose pixels are amounts: no palette, no single bits, no CMYK; 16 bits and alpha stay."""
    if image.mode in {"L", "LA", "RGB", "RGBA", "I;16"}:
        return image
    if image.mode.startswith("I") or image.mode == "1":
        return image.convert("I;16" if image.mode != "1" else "L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


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
    chance = np.random.default_rng(args.seed)
    written = 0
    for number, path in enumerate(files, 1):
        image = opened(path)
        if image is None:
            continue
        written += 1
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(kept(image))
        Image.fromarray(bent(pixels, field(pixels.shape[:2], args, chance))).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
