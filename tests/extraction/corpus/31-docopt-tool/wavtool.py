"""Trim silence from recordings.

Usage:
  wavtool.py [options] <input> <output>
  wavtool.py (-h | --help)
  wavtool.py --version

Options:
  -h --help              Show this screen.
  --version              Show version.
  --threshold=<db>       Level of silence in decibels [default: -40].
  -m SEC --min-length=SEC  Shortest silence in seconds [default: 0.5].
  --pad=<ms>             Keep so much around sound (ms).
  -f --force             Overwrite files.
  --format=<fmt>         wav or flac [default: wav].

"""
from docopt import docopt
import soundfile as sf
import numpy as np


def main():
    arguments = docopt(__doc__, version="wavtool 1.0")
    y, rate = sf.read(arguments["<input>"])
    level = 10 ** (float(arguments["--threshold"]) / 20)
    loud = np.flatnonzero(np.abs(y) > level)
    sf.write(arguments["<output>"], y[loud[0]:loud[-1]], rate, format=arguments["--format"])


if __name__ == "__main__":
    main()
