import argparse
from pathlib import Path


class StoreDict(argparse.Action):
    """--kwargs a=1 b=2"""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, dict(v.split("=") for v in values))


def existing(path):
    path = Path(path)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"{path} does not exist")
    return path


def fraction(text):
    x = float(text)
    if not 0 <= x <= 1:
        raise argparse.ArgumentTypeError("must be in [0, 1]")
    return x


def get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(fromfile_prefix_chars="@", allow_abbrev=False)
    io = parser.add_argument_group(title="io")
    io.add_argument("--input", dest="input_dir", type=existing, required=True, help="folder of recordings")
    io.add_argument("--output", dest="output_dir", type=Path, default=Path.cwd() / "features")
    feats = parser.add_argument_group("features")
    feats.add_argument("--kind", choices=["mfcc", "fbank"], default="mfcc")
    feats.add_argument("--num-ceps", type=int, default=13, choices=range(1, 41), metavar="N")
    feats.add_argument("--frame-length", type=float, default=25.0, help="frame length [ms]")
    feats.add_argument("--frame-shift", type=float, default=10.0, help="frame shift [ms]")
    feats.add_argument("--dither", type=fraction, default=0.0)
    feats.add_argument("--energy", action=argparse.BooleanOptionalAction, default=False)
    feats.add_argument("--delta", action="append", type=int, help="orders of differences; may be repeated")
    feats.add_argument("--cmvn", action="store_const", const="utterance", help="normalise each recording")
    parser.add_argument("--kwargs", nargs="*", action=StoreDict, default={}, help="more settings as key=value")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--secret-debug", action="store_true", help=argparse.SUPPRESS)
    return parser


def main() -> None:
    args = get_parser().parse_args()
    print(args)


if __name__ == "__main__":
    main()
