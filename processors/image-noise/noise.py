"""Adds noise to every image, keeping names and folders."""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Noise on every image")
    parser.add_argument("--input-path", required=True, help="folder of images")
    parser.add_argument("--output-path", required=True, help="where the noisy images go")
    parser.add_argument("--kind", choices=["gaussian", "salt-pepper"], default="gaussian", help="sort of noise")
    parser.add_argument(
        "--amount", type=float, default=0.05, help="standard deviation, or share of pixels, between 0 and 1"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def noisy(pixels: np.ndarray, kind: str, amount: float, chance: np.random.Generator) -> np.ndarray:
    """The pixels with noise; an alpha channel (2 or 4 of them) stays as it is."""
    most, out = np.iinfo(pixels.dtype).max, pixels.copy()
    seen = out if out.ndim == 2 else out[..., : out.shape[2] - (out.shape[2] in {2, 4})]
    if kind == "gaussian":
        seen[...] = np.clip(seen + chance.normal(0, amount * most, seen.shape), 0, most)
    else:
        hit = chance.random(out.shape[:2])
        seen[hit < amount / 2] = 0
        seen[hit > 1 - amount / 2] = most
    return out


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
        Image.fromarray(noisy(np.asarray(kept(image)), args.kind, args.amount, chance)).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
