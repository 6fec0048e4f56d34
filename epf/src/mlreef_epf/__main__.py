"""Entry point of `python -m mlreef_epf` and of the installed command."""

import os
import sys

from mlreef_epf import cli


def main() -> None:
    """Run the command line.

    When it is done the process ends at once: every file is closed, and the runner waits for nothing but the end.
    """
    code = cli.main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
