from pathlib import Path
from typing import Optional

import typer

app = typer.Typer(help="Tools for text.")
state = {"verbose": False}


@app.command()
def clean(
    source: Path = typer.Argument(..., help="Folder of texts"),
    output: Path = typer.Option(Path("out"), "--output", "-o"),
    lower: bool = typer.Option(True, "--lower/--keep-case"),
    stopwords: Optional[Path] = typer.Option(None, help="File of words to drop"),
):
    """Clean texts."""
    for path in source.glob("*.txt"):
        text = path.read_text()
        (output / path.name).write_text(text.lower() if lower else text)


@app.command("count-words")
def count(source: Path, top: int = typer.Option(20, min=1, max=1000), by: str = "file"):
    """Count words."""
    print(source, top, by)


@app.callback()
def main(verbose: bool = typer.Option(False, "--verbose", "-v")):
    state["verbose"] = verbose


if __name__ == "__main__":
    app()
