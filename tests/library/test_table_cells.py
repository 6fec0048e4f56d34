"""Tables keep what is in them: zeros before codes, words such as NA, long integers, different names of columns."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "processors"
Run = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.slow

ROWS = [
    ["Code", "state", "amount", "account"],
    ["00123", "NA", "1.50", "12345678901234567890"],
    ["00123", "null", "2", "9007199254740993"],
    ["01000", "None", "", "9007199254740993"],
    ["00007", "nan", "3", "9007199254740992"],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "in", ROWS)


def written(folder: Path, rows: list[list[str]], name: str = "table.csv") -> Path:
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


def to_parquet(python: Path, folder: Path, target: Path, kinds: str = "{}") -> Path:
    target.mkdir()
    program = "import pandas, sys; t = pandas.read_csv(sys.argv[1], dtype=str, keep_default_na=False);"
    program += f"t.astype({kinds}).to_parquet(sys.argv[2])"
    subprocess.run([python, "-c", program, folder / "table.csv", target / "table.parquet"], check=True)
    return target


def from_parquet(python: Path, path: Path) -> dict[str, list[object]]:
    program = "import pandas, sys; print(pandas.read_parquet(sys.argv[1]).to_json(orient='split', index=False))"
    found = json.loads(subprocess.check_output([python, "-c", program, path]))
    return {name: [row[n] for row in found["data"]] for n, name in enumerate(found["columns"])}


def test_projects_for_tables_read_them_alike() -> None:
    copies = sorted(LIBRARY.glob("*/tables.py"))
    assert len(copies) == 8
    assert len({path.read_bytes() for path in copies}) == 1


def test_cleaning_keeps_codes_words_and_long_integers(run: Run, folder: Path, tmp_path: Path) -> None:
    done(run("tabular-clean/clean_table.py", "--input-path", folder, "--output-path", tmp_path, "--missing", "keep"))
    assert rows(tmp_path / "table.csv") == [["code", "state", "amount", "account"], *ROWS[1:]]


def test_cleaning_fills_empty_cells_only(run: Run, folder: Path, tmp_path: Path) -> None:
    done(run("tabular-clean/clean_table.py", "--input-path", folder, "--output-path", tmp_path))
    assert [row[1] for row in rows(tmp_path / "table.csv")] == ["state", "NA", "null", "None", "nan"]
    assert rows(tmp_path / "table.csv")[3][2] == "2"


def test_cleaning_takes_texts_for_missing_that_the_user_names(run: Run, folder: Path, tmp_path: Path) -> None:
    options = ["--missing", "drop", "--missing-markers", "NA", "--missing-markers", "nan"]
    done(run("tabular-clean/clean_table.py", "--input-path", folder, "--output-path", tmp_path, *options))
    assert [row[1] for row in rows(tmp_path / "table.csv")] == ["state", "null"]


def test_tidy_names_are_never_the_same(run: Run, tmp_path: Path) -> None:
    names = ["Unit Price", "unit_price", "UNIT-PRICE", "unit_price_2", "%", "$"]
    folder = written(tmp_path / "in", [names, list("123456")])
    done(run("tabular-clean/clean_table.py", "--input-path", folder, "--output-path", tmp_path))
    tidied = ["unit_price", "unit_price_3", "unit_price_4", "unit_price_2", "column", "column_2"]
    assert rows(tmp_path / "table.csv") == [tidied, list("123456")]


def test_cleaning_keeps_types_of_parquet(python: Path, run: Run, folder: Path, tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", [["id", "word"], ["9007199254740993", " NA "], ["2", ""], ["2", ""]])
    source = to_parquet(python, whole, tmp_path / "parquet", "{'id': 'int64'}")
    done(run("tabular-clean/clean_table.py", "--input-path", source, "--output-path", tmp_path, "--missing", "keep"))
    assert from_parquet(python, tmp_path / "table.parquet") == {"id": [9007199254740993, 2], "word": ["NA", None]}


def test_encoding_takes_codes_for_words_and_leaves_kept_columns(run: Run, folder: Path, tmp_path: Path) -> None:
    options = ["--keep", "account", "--words", "ordinal"]
    done(run("tabular-encode/encode.py", "--input-path", folder, "--output-path", tmp_path, *options))
    rules = json.loads((tmp_path / "encoding.json").read_text())
    assert rules["Code"]["words"] == ["00007", "00123", "01000"]
    assert rules["state"]["words"] == ["NA", "None", "nan", "null"]
    assert rules["amount"]["kind"] == "scaled"
    assert [row[3] for row in rows(tmp_path / "table.csv")] == [row[3] for row in ROWS]


def test_encoding_refuses_two_columns_of_one_name(run: Run, tmp_path: Path) -> None:
    folder = written(tmp_path / "in", [["a", "a=b"], ["b=c", "c"]])
    result = run("tabular-encode/encode.py", "--input-path", folder, "--output-path", tmp_path)
    assert result.returncode == 1
    assert "a=b=c" in result.stderr


def test_splitting_keeps_every_cell(python: Path, run: Run, folder: Path, tmp_path: Path) -> None:
    done(run("tabular-split/split_table.py", "--input-path", folder, "--output-path", tmp_path, "--group", "Code"))
    parts = rows(tmp_path / "train/table.csv")[1:] + rows(tmp_path / "test/table.csv")[1:]
    assert sorted(parts) == sorted(ROWS[1:])
    source = to_parquet(python, folder, tmp_path / "parquet")
    done(run("tabular-split/split_table.py", "--input-path", source, "--output-path", tmp_path / "out"))
    found = [from_parquet(python, tmp_path / "out" / part / "table.parquet")["account"] for part in ("train", "test")]
    assert sorted(found[0] + found[1]) == sorted(row[3] for row in ROWS[1:])


def test_joining_compares_and_keeps_texts(run: Run, folder: Path, tmp_path: Path) -> None:
    right = written(tmp_path / "right", [["Code", "state", "since"], ["123", "a", "1"], ["01000", "NA", "0042"]])
    where = ["--left-path", folder, "--right-path", right, "--output-path", tmp_path, "--key", "Code"]
    done(run("tabular-join/join.py", *where))
    names = ["Code", "state", "amount", "account", "state_right", "since"]
    assert rows(tmp_path / "joined.csv") == [names, [*ROWS[3], "NA", "0042"]]


def test_joined_parquet_has_numbers_only_where_nothing_is_lost(python: Path, run: Run, folder: Path, tmp_path: Path):
    where = ["--left-path", folder, "--right-path", folder, "--output-path", tmp_path, "--key", "account"]
    done(run("tabular-join/join.py", *where, "--form", "parquet"))
    found = from_parquet(python, tmp_path / "joined.parquet")
    assert set(found["account"]) == {row[3] for row in ROWS[1:]}
    assert set(found["amount"]) == {1.5, 2.0, 3.0, None}
    assert "00007" in found["Code"]


def test_histograms_draw_numbers_and_no_codes(run: Run, folder: Path, tmp_path: Path) -> None:
    told = done(run("tabular-histograms/histograms.py", "--input-path", folder, "--output-path", tmp_path))
    assert "missing=1" in told
    top = {row[0]: row[3] for row in rows(tmp_path / "summary.csv")}
    assert (top["Code"], top["amount"]) == ("00123", "")


@pytest.mark.parametrize("program", ["gradient-boosting/boost.py", "sklearn-tabular/train_table.py"])
def test_models_know_the_classes_na_and_00(run: Run, tmp_path: Path, program: str) -> None:
    table = [["kind", "x"], *([["NA", str(n)] if n < 30 else ["00", str(n)] for n in range(60)])]
    folder = written(tmp_path / "in", table)
    options = ["--input-path", folder, "--output-path", tmp_path, "--target", "kind"]
    assert "accuracy=" in done(run(program, *options))
    refused = run(program, *options, "--task", "regression")
    assert "--missing-markers" in refused.stderr
    predictions = tmp_path / "predictions.csv"
    assert not predictions.exists() or {row[0] for row in rows(predictions)[1:]} == {"NA", "00"}


def test_a_forecast_tells_how_to_name_missing_values(run: Run, tmp_path: Path) -> None:
    folder = written(tmp_path / "in", [["v"], *([["NA"] if n == 20 else [str(n % 5)] for n in range(60)])])
    options = ["--input-path", folder, "--output-path", tmp_path, "--column", "v", "--lags", "5", "--horizon", "5"]
    assert "--missing-markers" in run("forecasting/forecast.py", *options).stderr
    assert "mean_absolute_error" in done(run("forecasting/forecast.py", *options, "--missing-markers", "NA"))


def test_a_confusion_matrix_has_the_class_na(run: Run, tmp_path: Path) -> None:
    table = [["truth", "predicted", "p_NA", "p_01"], ["NA", "NA", "0.9", "0.1"], ["01", "1", "0.3", "0.7"]]
    folder = written(tmp_path / "in", table)
    told = done(run("confusion-matrix/confusion.py", "--input-path", folder, "--output-path", tmp_path))
    assert "accuracy=0.500000 auc=1.000000" in told


def test_what_is_no_table_is_told_in_a_sentence(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for content in (b"a,b\n1,2,3\n", b"", "ä,b\n1,2\n".encode("utf-16")):
        (folder / "table.csv").write_bytes(content)
        result = run("tabular-split/split_table.py", "--input-path", folder, "--output-path", tmp_path)
        assert result.returncode == 1
        assert result.stderr.startswith("table.csv")
