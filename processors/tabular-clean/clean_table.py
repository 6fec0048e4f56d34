"""Cleans tables: names of columns, white space, duplicates, missing values."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import typer

import tables


def tidy(names: list[str]) -> list[str]:
    """Lower case with underscores; names that would become the same get a number."""
    wished = [re.sub(r"\W+", "_", name.strip().lower()).strip("_") or "column" for name in names]
    found: list[str] = []
    for base in wished:
        name, number = base, 1
        while name in found or (number > 1 and name in wished):
            number += 1
            name = f"{base}_{number}"
        found.append(name)
    return found


def usual(column: pd.Series) -> Any:
    """What a missing value is filled with: the middle one of numbers, the most frequent one of all else."""
    values = column.dropna()
    if tables.is_number(column):
        ranked = sorted(values, key=float)
        return ranked[(len(ranked) - 1) // 2]
    common = values.mode()
    return common.iloc[0] if len(common) else None


def clean(table: pd.DataFrame, missing: str, duplicates: bool, tidy_names: bool) -> pd.DataFrame:
    if tidy_names:
        table.columns = tidy([str(name) for name in table.columns])
    for name in table.columns:
        if tables.is_text(table[name]):
            stripped = table[name].str.strip()
            table[name] = stripped.mask(stripped == "")
    if duplicates:
        table = table.drop_duplicates()
    if missing == "drop":
        return table.dropna()
    if missing == "fill":
        filled = {name: usual(table[name]) for name in table.columns}
        return table.fillna({name: value for name, value in filled.items() if value is not None})
    return table


def main(
    input_path: Annotated[Path, typer.Option(help="folder of .csv or .parquet files")],
    output_path: Annotated[Path, typer.Option(help="where the cleaned tables go")],
    missing: Annotated[Literal["keep", "drop", "fill"], typer.Option(help="what happens to missing values")] = "fill",
    missing_markers: Annotated[
        list[str], typer.Option(help="texts that mean a missing value, such as NA; empty cells always do")
    ] = [],
    drop_duplicates: Annotated[bool, typer.Option(help="keep only one of equal rows")] = True,
    tidy_names: Annotated[bool, typer.Option(help="lower case names of columns, with underscores; never two alike")] = True,
) -> None:
    """Clean every table of a folder."""
    for path in tables.find(input_path, ".csv", ".parquet"):
        table = tables.read(path, missing_markers)
        done = clean(table.copy(), missing, drop_duplicates, tidy_names)
        tables.write(done, output_path / path.relative_to(input_path))
        print(f"{path.relative_to(input_path)}: {len(table)} rows became {len(done)}", flush=True)


if __name__ == "__main__":
    typer.run(main)
