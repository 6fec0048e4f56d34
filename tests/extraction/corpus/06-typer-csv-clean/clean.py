"""Clean CSV files."""
from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, List, Optional

import pandas as pd
import typer
from rich.console import Console

console = Console()
app = typer.Typer(add_completion=False)


class Missing(str, Enum):
    drop = "drop"
    mean = "mean"
    median = "median"
    zero = "zero"


@app.command()
def main(
    input_path: Annotated[Path, typer.Argument(exists=True, help="Folder with CSV files")],
    output_path: Annotated[Path, typer.Option("--output-path", "-o", help="Folder for the cleaned files")] = Path("clean"),
    missing: Annotated[Missing, typer.Option(case_sensitive=False, help="What to do with gaps")] = Missing.drop,
    columns: Annotated[Optional[List[str]], typer.Option("--column", "-c", help="Keep only these")] = None,
    max_rows: Annotated[Optional[int], typer.Option(min=1)] = None,
    outliers: Annotated[float, typer.Option(min=0.0, help="Drop beyond so many standard deviations; 0 keeps all")] = 0.0,
    strip: bool = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done")] = False,
) -> None:
    """
    Drop duplicates, fill gaps, strip texts.
    """
    output_path.mkdir(exist_ok=True, parents=True)
    for path in sorted(input_path.glob("*.csv")):
        frame = pd.read_csv(path, nrows=max_rows, usecols=columns or None).drop_duplicates()
        if missing is Missing.drop:
            frame = frame.dropna()
        elif missing is Missing.zero:
            frame = frame.fillna(0)
        else:
            frame = frame.fillna(getattr(frame, missing.value)(numeric_only=True))
        if strip:
            frame = frame.apply(lambda s: s.str.strip() if s.dtype == object else s)
        if not dry_run:
            frame.to_csv(output_path / path.name, index=False)
        console.print(f"[green]{path.name}[/green] {len(frame)} rows")


if __name__ == "__main__":
    app()
