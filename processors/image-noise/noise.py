"""Adds noise to every image, keeping names and folders."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

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
    if kind == "gaussian":
        return np.clip(pixels + chance.normal(0, amount * 255, pixels.shape), 0, 255).astype(np.uint8)
    out = pixels.copy()
    hit = chance.random(pixels.shape[:2])
    out[hit < amount / 2] = 0
    out[hit > 1 - amount / 2] = 255
    return out


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    chance = np.random.default_rng(args.seed)
    for number, path in enumerate(files, 1):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            Image.fromarray(noisy(np.asarray(image), args.kind, args.amount, chance)).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)


if __name__ == "__main__":
    main()
