"""Cleans CSV tables: names of columns, white space, duplicates, missing values."""

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer


def clean(table: pd.DataFrame, missing: str, duplicates: bool, tidy_names: bool) -> pd.DataFrame:
    if tidy_names:
        table.columns = table.columns.str.strip().str.lower().str.replace(r"\W+", "_", regex=True).str.strip("_")
    for name in table.select_dtypes(["object", "string"]).columns:
        table[name] = table[name].str.strip().replace("", pd.NA)
    if duplicates:
        table = table.drop_duplicates()
    if missing == "drop":
        return table.dropna()
    if missing == "fill":
        for name in table.columns:
            numeric = pd.api.types.is_numeric_dtype(table[name])
            common = table[name].mode()
            table[name] = table[name].fillna(table[name].median() if numeric else (common.iloc[0] if len(common) else ""))
    return table


def main(
    input_path: Annotated[Path, typer.Option(help="folder of .csv files")],
    output_path: Annotated[Path, typer.Option(help="where the cleaned tables go")],
    missing: Annotated[Literal["keep", "drop", "fill"], typer.Option(help="what happens to missing values")] = "fill",
    drop_duplicates: Annotated[bool, typer.Option(help="keep only one of equal rows")] = True,
    tidy_names: Annotated[bool, typer.Option(help="lower case names of columns, with underscores")] = True,
) -> None:
    """Clean every CSV table of a folder."""
    files = sorted(input_path.rglob("*.csv"))
    if not files:
        raise SystemExit(f"no .csv files below {input_path}")
    for path in files:
        table = pd.read_csv(path)
        done = clean(table.copy(), missing, drop_duplicates, tidy_names)
        place = output_path / path.relative_to(input_path)
        place.parent.mkdir(parents=True, exist_ok=True)
        done.to_csv(place, index=False)
        print(f"{path.relative_to(input_path)}: {len(table)} rows became {len(done)}", flush=True)


if __name__ == "__main__":
    typer.run(main)
