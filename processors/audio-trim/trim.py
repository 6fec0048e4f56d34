"""Cuts silence off the beginning and the end of every sound file."""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile

SUFFIXES = {".wav", ".flac", ".ogg"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Sound files without silence around them")
    parser.add_argument("--input-path", required=True, help="folder of .wav, .flac or .ogg files")
    parser.add_argument("--output-path", required=True, help="where the trimmed .wav files go")
    parser.add_argument("--threshold", type=float, default=-40.0, help="quieter than this below the loudest moment is silence, in decibels")
    parser.add_argument("--margin", type=float, default=0.05, help="silence that stays at both ends, in seconds")
    return parser.parse_args()


def trimmed(samples: np.ndarray, rate: int, threshold: float, margin: float) -> np.ndarray:
    window = max(1, rate // 100)
    power = np.sqrt(np.convolve((samples**2).mean(axis=1), np.ones(window) / window, mode="same"))
    loud = np.flatnonzero(power > power.max(initial=0) * 10 ** (threshold / 20))
    if not loud.size:
        return samples
    edge = round(margin * rate)
    return samples[max(0, loud[0] - edge) : loud[-1] + edge + 1]


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
    if args.threshold >= 0 or args.margin < 0:
        raise SystemExit("--threshold must be below 0, and --margin not negative")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no sound files below {source}: expected files ending in {', '.join(sorted(SUFFIXES))}")
    before = after = 0.0
    names = Counter(path.with_suffix("") for path in files)
    written = 0
    for path in files:
        sound = opened(path)
        if sound is None:
            continue
        written += 1
        samples, rate = sound
        kept = trimmed(samples, rate, args.threshold, args.margin)
        name = path.relative_to(source)
        place = target / (name.with_suffix(".wav") if names[path.with_suffix("")] == 1 else name.with_name(f"{name.name}.wav"))
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, kept, rate)
        before, after = before + len(samples) / rate, after + len(kept) / rate
    if not written:
        raise SystemExit(f"none of the {len(files)} sound files below {source} can be read")
    print(f"mlreef: step=1 files={written} seconds_before={before:.3f} seconds_after={after:.3f}", flush=True)


if __name__ == "__main__":
    main()
