import argparse
import sys


class BaseParser(argparse.ArgumentParser):
    """Parser that prints the help when something is wrong."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("formatter_class", argparse.ArgumentDefaultsHelpFormatter)
        super(BaseParser, self).__init__(*args, **kwargs)
        self.add_argument("--seed", type=int, default=0, help="seed of all random numbers")
        self.add_argument("--device", default="cpu", choices=["cpu", "cuda"])

    def error(self, message):
        self.print_help(sys.stderr)
        sys.exit("error: " + message)

    def add_io(self):
        io = self.add_argument_group("files")
        io.add_argument("--input-path", required=True)
        io.add_argument("--output-path", required=True)
        return self


class DenoiseParser(BaseParser):
    def __init__(self):
        super().__init__(description="Denoise pictures")
        self.add_io()
        x = self.add_mutually_exclusive_group()
        x.add_argument("--median", type=int, metavar="K", help="median filter, kernel size in pixels")
        x.add_argument("--gauss", type=float, metavar="SIGMA", help="Gaussian filter")
        self.set_defaults(device="cuda")


def main():
    args = DenoiseParser().parse_args()
    print(args)


main()
