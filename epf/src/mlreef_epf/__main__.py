"""Entry point of `python -m mlreef_epf` and of the installed command."""

import sys

from mlreef_epf import cli


def main() -> None:
    """Run the command line."""
    sys.exit(cli.main(sys.argv[1:]))


if __name__ == "__main__":
    main()
