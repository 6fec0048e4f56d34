"""Joins two folders of tables with DuckDB, larger than memory if need be."""

from pathlib import Path

import click
import duckdb


@click.command(help="One table from two")
@click.option("--left-path", type=click.Path(exists=True, path_type=Path), required=True, help="folder of .csv or .parquet files")
@click.option("--right-path", type=click.Path(exists=True, path_type=Path), required=True, help="folder of .csv or .parquet files")
@click.option("--output-path", type=click.Path(path_type=Path), required=True, help="where the joined table goes")
@click.option("--key", multiple=True, required=True, help="column that both have; may be given several times")
@click.option("--how", type=click.Choice(["inner", "left", "right", "full"]), default="inner", show_default=True, help="which rows stay")
@click.option("--form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True, help="format of the result")
def main(left_path: Path, right_path: Path, output_path: Path, key: tuple[str, ...], how: str, form: str) -> None:
    tables = duckdb.connect()
    for name, folder in (("a", left_path), ("b", right_path)):
        load(tables, name, folder, key)
    output_path.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(quoted(one) for one in key)
    options = "FORMAT csv, HEADER" if form == "csv" else "FORMAT parquet"
    place = str(output_path / f"joined.{form}").replace("'", "''")
    tables.execute(f"COPY (SELECT * FROM a {how.upper()} JOIN b USING ({columns}) ORDER BY {columns}) TO '{place}' ({options})")
    counts = {name: tables.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("a", "b")}
    joined = tables.execute(f"SELECT count(*) FROM a {how.upper()} JOIN b USING ({columns})").fetchone()[0]
    click.echo(f"mlreef: step=1 left={counts['a']} right={counts['b']} joined={joined}")


def load(tables: duckdb.DuckDBPyConnection, name: str, folder: Path, key: tuple[str, ...]) -> None:
    for suffix, reader in (("csv", "read_csv"), ("parquet", "read_parquet")):
        files = sorted(str(path) for path in folder.rglob(f"*.{suffix}"))
        if files:
            tables.execute(f"CREATE TABLE {name} AS SELECT * FROM {reader}(?, union_by_name = true)", [files])
            known = [row[0] for row in tables.execute(f"DESCRIBE {name}").fetchall()]
            missing = [one for one in key if one not in known]
            if missing:
                raise click.ClickException(f"{folder} has no column {', '.join(missing)}: it has {', '.join(known)}")
            return
    raise click.ClickException(f"no .csv or .parquet files below {folder}")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


if __name__ == "__main__":
    main()
