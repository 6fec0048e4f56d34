"""Joins two folders of tables with DuckDB, larger than memory if need be."""

from pathlib import Path

import click
import duckdb

INTEGER = "-?(0|[1-9][0-9]{0,17})"
NUMBER = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?"


@click.command(help="One table from two")
@click.option("--left-path", type=click.Path(exists=True, path_type=Path), required=True, help="folder of .csv or .parquet files")
@click.option("--right-path", type=click.Path(exists=True, path_type=Path), required=True, help="folder of .csv or .parquet files")
@click.option("--output-path", type=click.Path(path_type=Path), required=True, help="where the joined table goes")
@click.option("--key", multiple=True, required=True, help="column that both have; may be given several times")
@click.option("--how", type=click.Choice(["inner", "left", "right", "full"]), default="inner", show_default=True, help="which rows stay")
@click.option("--form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True, help="format of the result")
def main(left_path: Path, right_path: Path, output_path: Path, key: tuple[str, ...], how: str, form: str) -> None:
    tables = duckdb.connect()
    types = {name: load(tables, name, folder, key) for name, folder in (("a", left_path), ("b", right_path))}
    # Keys of different types, as of a CSV and a Parquet file, are compared as texts: 00123 and 123 are two things.
    for one in key:
        if types["a"][one] != types["b"][one]:
            for name in types:
                tables.execute(f"ALTER TABLE {name} ALTER COLUMN {quoted(one)} TYPE VARCHAR")
    columns = ", ".join(quoted(one) for one in key)
    shown = [quoted(one) for one in key]
    shown += [f"a.{quoted(one)}" for one in types["a"] if one not in key]
    taken = {one.lower() for one in types["a"]}
    for one in types["b"]:
        if one not in key:
            name = free(one, taken)
            taken.add(name.lower())
            shown.append(f"b.{quoted(one)} AS {quoted(name)}")
    tables.execute(f"CREATE TABLE joined AS SELECT {', '.join(shown)} FROM a {how.upper()} JOIN b USING ({columns}) ORDER BY {columns}")
    if form == "parquet":
        numbers(tables, "joined")
    output_path.mkdir(parents=True, exist_ok=True)
    options = "FORMAT csv, HEADER" if form == "csv" else "FORMAT parquet"
    place = str(output_path / f"joined.{form}").replace("'", "''")
    tables.execute(f"COPY joined TO '{place}' ({options})")
    counts = {name: tables.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("a", "b", "joined")}
    click.echo(f"mlreef: step=1 left={counts['a']} right={counts['b']} joined={counts['joined']}")


def load(tables: duckdb.DuckDBPyConnection, name: str, folder: Path, key: tuple[str, ...]) -> dict[str, str]:
    """Make a table of the files of a folder; its columns and their types. Cells of CSV files are texts, as they stand."""
    files = {suffix: sorted(str(path) for path in folder.rglob(f"*.{suffix}")) for suffix in ("csv", "parquet")}
    if all(files.values()):
        raise click.ClickException(f"{folder} has .csv and .parquet files: one of them is needed")
    if not any(files.values()):
        raise click.ClickException(f"no .csv or .parquet files below {folder}")
    if files["csv"]:
        reader = "read_csv(?, union_by_name = true, all_varchar = true, header = true, nullstr = '')"
        tables.execute(f"CREATE TABLE {name} AS SELECT * FROM {reader}", [files["csv"]])
    else:
        tables.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet(?, union_by_name = true)", [files["parquet"]])
    known = {row[0]: row[1] for row in tables.execute(f"DESCRIBE {name}").fetchall()}
    missing = [one for one in key if one not in known]
    if missing:
        raise click.ClickException(f"{folder} has no column {', '.join(missing)}: it has {', '.join(known)}")
    return known


def free(name: str, taken: set[str]) -> str:
    """A name for a column of the right table that the left one does not have."""
    tried, number = name, 1
    while tried.lower() in taken:
        tried = f"{name}_right" if number == 1 else f"{name}_right_{number}"
        number += 1
    return tried


def numbers(tables: duckdb.DuckDBPyConnection, name: str) -> None:
    """Give columns of texts a type where every text is a number that stays the same: no leading zeros, no lost digits."""
    for column, kind in [row[:2] for row in tables.execute(f"DESCRIBE {name}").fetchall()]:
        for pattern, wanted in ((INTEGER, "BIGINT"), (NUMBER, "DOUBLE")):
            test = f"SELECT bool_and(regexp_full_match({quoted(column)}, ?)) FROM {name}"
            if kind == "VARCHAR" and tables.execute(test, [pattern]).fetchone()[0]:
                tables.execute(f"ALTER TABLE {name} ALTER COLUMN {quoted(column)} TYPE {wanted}")
                break


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


if __name__ == "__main__":
    main()
