"""Takes noise out of every image by a median, Gaussian or bilateral-like filter."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Less noise in every image")
    parser.add_argument("--input-path", required=True, help="folder of noisy images")
    parser.add_argument("--output-path", required=True, help="where the calmer images go")
    parser.add_argument("--method", choices=["median", "gaussian", "wiener"], default="median", help="sort of filter")
    parser.add_argument("--radius", type=int, default=1, help="reach of the filter, in pixels")
    return parser.parse_args()


def filtered(channel: np.ndarray, method: str, radius: int) -> np.ndarray:
    if method == "median":
        return ndimage.median_filter(channel, size=2 * radius + 1)
    if method == "gaussian":
        return ndimage.gaussian_filter(channel, radius / 2)
    size = 2 * radius + 1
    mean = ndimage.uniform_filter(channel, size)
    variance = np.maximum(ndimage.uniform_filter(channel**2, size) - mean**2, 0)
    noise = variance.mean()
    return mean + np.maximum(variance - noise, 0) / np.maximum(variance, noise + 1e-9) * (channel - mean)


def calmed(pixels: np.ndarray, method: str, radius: int) -> np.ndarray:
    values = pixels.astype(np.float64)
    if values.ndim == 2:
        result = filtered(values, method, radius)
    else:
        result = np.stack([filtered(values[..., n], method, radius) for n in range(values.shape[2])], axis=-1)
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def main() -> None:
    args = parse()
    if args.radius < 1:
        raise SystemExit("--radius must be at least 1")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no images below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    for number, path in enumerate(files, 1):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            plain = image if image.mode in {"L", "RGB", "RGBA"} else image.convert("RGB")
            Image.fromarray(calmed(np.asarray(plain), args.method, args.radius)).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)


if __name__ == "__main__":
    main()
