"""Turns words in tables into numbers, and scales numbers."""

import argparse
import json
from pathlib import Path

import pandas as pd

import tables


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tables of numbers only")
    parser.add_argument("--input-path", required=True, help="folder of .csv or .parquet files with the same columns")
    parser.add_argument("--output-path", required=True, help="where the encoded tables and encoding.json go")
    parser.add_argument("--words", choices=["one-hot", "ordinal"], default="one-hot", help="how words become numbers")
    parser.add_argument("--scale", choices=["none", "standard", "range"], default="standard", help="how numbers are scaled")
    parser.add_argument("--keep", nargs="*", default=[], help="columns that stay as they are, such as the target")
    parser.add_argument("--most", type=int, default=100, help="columns with more different words are refused")
    parser.add_argument("--missing-markers", nargs="*", default=[], help="texts that mean a missing value, such as NA; empty cells always do")
    return parser.parse_args()


def learn(table: pd.DataFrame, args: argparse.Namespace) -> dict[str, dict]:
    rules: dict[str, dict] = {}
    for name in table.columns:
        column = table[name]
        if name in args.keep:
            rules[name] = {"kind": "kept"}
        elif tables.is_number(column):
            rules[name] = {"kind": "number"} if args.scale == "none" else scaling(tables.numbers(column), args.scale)
        else:
            words = sorted(column.dropna().astype(str).unique())
            if len(words) > args.most:
                raise SystemExit(f"column {name!r} has {len(words)} different words; raise --most, or name it in --keep")
            rules[name] = {"kind": args.words, "words": words}
    return rules


def scaling(column: pd.Series, scale: str) -> dict:
    low, high = column.min(), column.max()
    if scale == "standard":
        spread = column.std() if column.nunique() > 1 else 1.0
        low, high = column.mean(), column.mean() + spread
    return {"kind": "scaled", "from": float(low), "to": float(high)}


def encode(table: pd.DataFrame, rules: dict[str, dict]) -> pd.DataFrame:
    """The table in numbers; a missing word is 0 in every column (one-hot) or -1 (ordinal)."""
    parts: list[pd.Series] = []
    for name, rule in rules.items():
        column = table[name]
        if rule["kind"] == "scaled":
            parts.append((tables.numbers(column) - rule["from"]) / ((rule["to"] - rule["from"]) or 1))
        elif rule["kind"] in {"one-hot", "ordinal"}:
            places = {word: n for n, word in enumerate(rule["words"])}
            codes = column.astype(object).map(lambda value: places.get(str(value), -1), na_action="ignore").fillna(-1).astype(int)
            if rule["kind"] == "ordinal":
                parts.append(codes)
            else:
                parts += [(codes == n).astype(int).rename(f"{name}={word}") for word, n in places.items()]
        else:
            parts.append(column)
    names = [part.name for part in parts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SystemExit(f"two columns would be named {', '.join(twice)}: rename a column of the table first")
    return pd.concat(parts, axis=1)


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    read = {path: tables.read(path, args.missing_markers) for path in tables.find(source, ".csv", ".parquet")}
    whole = pd.concat(read.values(), ignore_index=True)
    unknown = [name for name in args.keep if name not in whole]
    if unknown:
        raise SystemExit(f"there is no column {', '.join(unknown)}: the tables have {', '.join(map(str, whole.columns))}")
    rules = learn(whole, args)
    for path, table in read.items():
        done = encode(table.reindex(columns=list(rules)), rules)
        tables.write(done, target / path.relative_to(source))
        print(f"{path.relative_to(source)}: {table.shape[1]} columns became {done.shape[1]}", flush=True)
    (target / "encoding.json").write_text(json.dumps(rules, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
