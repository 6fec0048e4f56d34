"""Reads and writes tables without changing what is in them; every project for tables has the same copy of this file.

Cells of CSV files are texts: 00123 keeps its zeros, NA is a word, and no integer loses digits. A cell is missing when it
is empty or when the user named its text. Columns become numbers only where a program computes with them.
"""

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
EXACT = 2**53  # larger integers are names, such as numbers of accounts: a floating-point number would round them


def find(folder: str | Path, *suffixes: str) -> list[Path]:
    """The tables below a folder."""
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in suffixes)
    if not files:
        raise SystemExit(f"no {' or '.join(suffixes)} files below {folder}")
    return files


def read(path: Path, markers: Collection[str] = ()) -> pd.DataFrame:
    """One table; empty cells and texts among `markers` are missing. Parquet columns keep their types."""
    if path.suffix.lower() == ".parquet":
        table = pd.read_parquet(path, dtype_backend="pyarrow")
    else:
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False, encoding="utf-8-sig")
        except ValueError as error:  # not UTF-8, no heading, or too many fields in a row
            raise SystemExit(f"{path.name} cannot be read as CSV in UTF-8: {error}") from None
        if not isinstance(table.index, pd.RangeIndex):
            raise SystemExit(f"{path.name}: rows have more fields than the heading has names")
    named = {one.strip() for one in markers}
    for name in table.columns:
        if is_text(table[name]):
            table[name] = table[name].mask((table[name] == "") | table[name].str.strip().isin(named))
    return table


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as what its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)


def is_text(column: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(column)


def is_number(column: pd.Series) -> bool:
    """Whether every value is a number that computing with does not damage: no leading zeros, no endless integers."""
    if not is_text(column):
        return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    values = column.dropna().str.strip()
    return len(values) > 0 and all(NUMBER.fullmatch(one) and abs(float(one)) <= EXACT for one in values)


def numbers(column: pd.Series) -> pd.Series:
    """A column of numbers, to compute with: integers where all are and none is missing."""
    values = [np.nan if pd.isna(one) else float(one) for one in column]
    whole = not any("." in str(one) or pd.isna(one) or "e" in str(one).lower() for one in column)
    return pd.Series(values, index=column.index, name=column.name, dtype="int64" if whole else "float64")


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers as numbers, all others as texts; missing values as NaN."""
    parts = {}
    for name in table.columns:
        column = table[name]
        if is_number(column):
            parts[name] = numbers(column)
        else:
            parts[name] = column.astype(object).map(str, na_action="ignore").where(column.notna(), np.nan).astype(object)
    return pd.DataFrame(parts, index=table.index)
