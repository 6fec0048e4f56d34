"""Brings every sound file to one sampling rate and number of channels."""

import argparse
import sys
from collections import Counter
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

SUFFIXES = {".wav", ".flac", ".ogg"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Sound files of one sampling rate")
    parser.add_argument("--input-path", required=True, help="folder of .wav, .flac or .ogg files")
    parser.add_argument("--output-path", required=True, help="where the .wav files go")
    parser.add_argument("--rate", type=int, default=16000, help="samples a second of the result")
    parser.add_argument("--mono", action=argparse.BooleanOptionalAction, default=True, help="mix all channels to one")
    parser.add_argument("--normalise", action="store_true", help="make the loudest sample as loud as can be")
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
    if not 100 <= args.rate <= 384_000:
        raise SystemExit("--rate must be between 100 and 384000")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no sound files below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    seconds = 0.0
    names = Counter(path.with_suffix("") for path in files)
    written = 0
    for path in files:
        sound = opened(path)
        if sound is None:
            continue
        written += 1
        samples, rate = sound
        if args.mono:
            samples = samples.mean(axis=1, keepdims=True)
        if rate != args.rate:
            common = gcd(rate, args.rate)
            samples = resample_poly(samples, args.rate // common, rate // common, axis=0)
        if args.normalise and samples.size:
            samples = samples / max(np.abs(samples).max(), 1e-9)
        name = path.relative_to(source)
        place = target / (name.with_suffix(".wav") if names[path.with_suffix("")] == 1 else name.with_name(f"{name.name}.wav"))
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, np.clip(samples, -1, 1), args.rate)
        seconds += len(samples) / args.rate
    if not written:
        raise SystemExit(f"none of the {len(files)} sound files below {source} can be read")
    print(f"mlreef: step=1 files={written} seconds={seconds:.3f}", flush=True)


if __name__ == "__main__":
    main()
