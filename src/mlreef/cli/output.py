"""How the command line prints: tables for people, `--json` for programs, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

out = Console()
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

_COLOURS = {
    "success": "green",
    "succeeded": "green",
    "cached": "cyan",
    "failed": "red",
    "canceled": "yellow",
    "skipped": "yellow",
    "running": "blue",
}


def error(message: str) -> None:
    """One message on standard error."""
    err.print(f"[bold red]error:[/] {escape(message)}", highlight=False, soft_wrap=True)


def note(message: str) -> None:
    """Something worth knowing, on standard error so that output can be piped."""
    err.print(escape(message), highlight=False, soft_wrap=True)


def document(value: Any) -> None:
    """Any document as JSON on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Rows under headings; states are coloured and always written out as words."""
    grid = Table(*columns, title=title, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        grid.add_row(*(_cell(value) for value in row))
    out.print(grid)


def fields(values: Mapping[str, Any]) -> None:
    """One thing as name and value lines."""
    grid = Table.grid(padding=(0, 2))
    for name, value in values.items():
        grid.add_row(f"[bold]{escape(name)}[/]", _cell(value))
    out.print(grid)


def show(value: Any, as_json: bool, columns: Sequence[str]) -> None:
    """A list of documents as a table of some of their fields, or whole as JSON."""
    listed = list(value)
    if as_json:
        document(listed)
    else:
        table([c.replace("_", " ") for c in columns], [[pick(item, c) for c in columns] for item in listed])


def pick(item: Mapping[str, Any], path: str) -> Any:
    """A field of a document by dotted path; None where it ends early."""
    value: Any = item
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def progress() -> Progress:
    """A progress display on standard error."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=False,
    )


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = escape(str(value))
    colour = _COLOURS.get(text)
    return f"[{colour}]{text}[/]" if colour else text
