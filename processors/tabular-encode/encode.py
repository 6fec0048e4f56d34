"""Turns words in CSV tables into numbers, and scales numbers."""

import argparse
import json
from pathlib import Path

import pandas as pd


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tables of numbers only")
    parser.add_argument("--input-path", required=True, help="folder of .csv files with the same columns")
    parser.add_argument("--output-path", required=True, help="where the encoded tables and encoding.json go")
    parser.add_argument("--words", choices=["one-hot", "ordinal"], default="one-hot", help="how words become numbers")
    parser.add_argument("--scale", choices=["none", "standard", "range"], default="standard", help="how numbers are scaled")
    parser.add_argument("--keep", nargs="*", default=[], help="columns that stay as they are, such as the target")
    parser.add_argument("--most", type=int, default=100, help="columns with more different words are refused")
    return parser.parse_args()


def learn(table: pd.DataFrame, args: argparse.Namespace) -> dict[str, dict]:
    rules: dict[str, dict] = {}
    for name in table.columns:
        column = table[name]
        if name in args.keep:
            rules[name] = {"kind": "kept"}
        elif pd.api.types.is_numeric_dtype(column):
            low, high = (column.min(), column.max()) if args.scale == "range" else (column.mean(), column.mean() + (column.std() or 1))
            rules[name] = {"kind": "number"} if args.scale == "none" else {"kind": "scaled", "from": float(low), "to": float(high)}
        else:
            words = sorted(column.dropna().astype(str).unique())
            if len(words) > args.most:
                raise SystemExit(f"column {name!r} has {len(words)} different words; raise --most, or name it in --keep")
            rules[name] = {"kind": args.words, "words": words}
    return rules


def encode(table: pd.DataFrame, rules: dict[str, dict]) -> pd.DataFrame:
    parts = {}
    for name, rule in rules.items():
        column = table[name]
        if rule["kind"] == "scaled":
            parts[name] = (column - rule["from"]) / ((rule["to"] - rule["from"]) or 1)
        elif rule["kind"] == "one-hot":
            parts |= {f"{name}={word}": (column.astype(str) == word).astype(int) for word in rule["words"]}
        elif rule["kind"] == "ordinal":
            parts[name] = column.astype(str).map({word: n for n, word in enumerate(rule["words"])}).fillna(-1).astype(int)
        else:
            parts[name] = column
    return pd.DataFrame(parts)


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(source.rglob("*.csv"))
    if not files:
        raise SystemExit(f"no .csv files below {source}")
    tables = {path: pd.read_csv(path) for path in files}
    rules = learn(pd.concat(tables.values(), ignore_index=True), args)
    for path, table in tables.items():
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        done = encode(table.reindex(columns=list(rules)), rules)
        done.to_csv(place, index=False)
        print(f"{path.relative_to(source)}: {table.shape[1]} columns became {done.shape[1]}", flush=True)
    (target / "encoding.json").write_text(json.dumps(rules, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
