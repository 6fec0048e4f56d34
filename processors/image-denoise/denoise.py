"""Takes noise out of every image by a median, Gaussian or Wiener filter."""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
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
    """The pixels with less noise; an alpha channel (2 or 4 of them) stays as it is."""
    values = pixels.astype(np.float64)
    most = np.iinfo(pixels.dtype).max
    if values.ndim == 2:
        result = filtered(values, method, radius)
    else:
        seen = values.shape[2] - (values.shape[2] in {2, 4})
        channels = [filtered(values[..., n], method, radius) if n < seen else values[..., n] for n in range(values.shape[2])]
        result = np.stack(channels, axis=-1)
    return np.clip(np.rint(result), 0, most).astype(pixels.dtype)


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
    if args.radius < 1:
        raise SystemExit("--radius must be at least 1")
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
        Image.fromarray(calmed(np.asarray(kept(image)), args.method, args.radius)).save(place)
        if number % 1000 == 0 or number == len(files):
            print(f"{number} of {len(files)} images", flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} images below {source} can be read")


if __name__ == "__main__":
    main()
