"""Draws the spectrogram of every sound file."""

import argparse
import sys
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import soundfile
from scipy.signal import spectrogram

SUFFIXES = {".wav", ".flac", ".ogg"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pictures of sounds")
    parser.add_argument("--input-path", required=True, help="folder of .wav, .flac or .ogg files")
    parser.add_argument("--output-path", required=True, help="where the .png files go")
    parser.add_argument("--window", type=int, default=512, help="samples of one column of the picture")
    parser.add_argument("--overlap", type=float, default=0.75, help="share of a window that the next one shares, from 0 to below 1")
    parser.add_argument("--axes", action=argparse.BooleanOptionalAction, default=True, help="draw axes; without them the picture is fit for a classifier")
    return parser.parse_args()


def opened(path: Path) -> tuple[np.ndarray, int] | None:
    """Samples and their rate; None with a warning for what cannot be read or is empty."""
    try:
        samples, rate = soundfile.read(path, always_2d=True)
        if len(samples):
            return samples, rate
        reason = "it has no samples"
    except (OSError, soundfile.SoundFileError) as error:
        reason = str(error)
    print(f"warning: {path.name} is left out: {reason}", file=sys.stderr, flush=True)
    return None


def main() -> None:
    args = parse()
    if args.window < 16 or not 0 <= args.overlap < 1:
        raise SystemExit("--window must be at least 16, and --overlap from 0 to below 1")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no sound files below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    names = Counter(path.with_suffix("") for path in files)
    written = 0
    for path in files:
        sound = opened(path)
        if sound is None:
            continue
        written += 1
        samples, rate = sound
        window = min(args.window, len(samples))
        frequencies, times, power = spectrogram(samples.mean(axis=1), rate, nperseg=window, noverlap=int(window * args.overlap))
        decibels = 10 * np.log10(power + 1e-12)
        name = path.relative_to(source)
        place = target / (name.with_suffix(".png") if names[path.with_suffix("")] == 1 else name.with_name(f"{name.name}.png"))
        place.parent.mkdir(parents=True, exist_ok=True)
        if args.axes:
            figure, axes = plt.subplots(figsize=(8, 4), dpi=120)
            axes.pcolormesh(times, frequencies / 1000, decibels, shading="auto", cmap="magma")
            axes.set(xlabel="seconds", ylabel="kHz", title=str(path.relative_to(source)))
            figure.tight_layout()
            figure.savefig(place)
            plt.close(figure)
        else:
            plt.imsave(place, decibels[::-1], cmap="magma")
        print(path.relative_to(source), flush=True)
    if not written:
        raise SystemExit(f"none of the {len(files)} sound files below {source} can be read")


if __name__ == "__main__":
    main()
