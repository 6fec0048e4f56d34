"""The command line: parse, call the SDK, print. `main` is what the `mlreef` program runs."""


def main() -> None:
    """Run the command line."""
    from mlreef.cli.app import run

    run()
