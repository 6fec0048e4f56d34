#!/usr/bin/env python3
"""Convert every recording of a folder with ffmpeg."""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

CODECS = dict(wav="pcm_s16le", flac="flac", mp3="libmp3lame", ogg="libvorbis")
DEFAULT_JOBS = os.cpu_count() or 1


def convert(source: pathlib.Path, target: pathlib.Path, ns: argparse.Namespace) -> int:
    command = ["ffmpeg", "-y" if ns.overwrite else "-n", "-loglevel", "error", "-i", str(source)]
    command += ["-ar", str(ns.rate), "-ac", "1" if ns.mono else "2", "-c:a", CODECS[ns.format]]
    if ns.trim:
        command += ["-ss", str(ns.trim[0]), "-to", str(ns.trim[1])]
    return subprocess.call(command + [str(target)])


p = argparse.ArgumentParser(
    prog="convert", description=__doc__, epilog="Needs ffmpeg in PATH.",
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
p.add_argument("input", type=pathlib.Path, metavar="DIR", help="folder of recordings")
p.add_argument("output", type=pathlib.Path, metavar="DIR", help="folder for the results")
p.add_argument("-f", "--format", choices=CODECS.keys(), default="wav", help="format (default: %(default)s)")
p.add_argument("-r", "--rate", type=int, default=16_000, choices=[8000, 16000, 22050, 44100, 48000], help="sample rate in Hz")
p.add_argument("--trim", nargs=2, type=float, metavar=("START", "END"), help="keep only this part (seconds)")
p.add_argument("--mono", action=argparse.BooleanOptionalAction, default=True, help="mix down")
p.add_argument("--overwrite", action="store_true")
p.add_argument("--jobs", type=int, default=DEFAULT_JOBS)
p.add_argument("--extensions", default=".wav,.mp3,.m4a", type=lambda s: s.split(","), help="comma separated")
p.add_argument("--version", action="version", version="%(prog)s 1.4")

if __name__ == "__main__":
    ns = p.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("ffmpeg is not installed")
    ns.output.mkdir(parents=True, exist_ok=True)
    files = [f for f in sorted(ns.input.rglob("*")) if f.suffix in ns.extensions]
    with concurrent.futures.ThreadPoolExecutor(ns.jobs) as pool:
        codes = list(pool.map(lambda f: convert(f, ns.output / (f.stem + "." + ns.format), ns), files))
    sys.exit(max(codes, default=0))
