"""`python -m mlreef.cli`, the same as `mlreef`."""

from mlreef.cli import main

main()
