"""Splits tables into a part to learn from and a part to be measured on."""

import argparse
from pathlib import Path

import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, train_test_split

import tables


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="train and test folders from every table")
    parser.add_argument("--input-path", required=True, help="folder of .csv or .parquet files")
    parser.add_argument("--output-path", required=True, help="where the folders train and test go")
    parser.add_argument("--test-share", type=float, default=0.2, help="share of rows to be measured on, between 0 and 1")
    parser.add_argument("--stratify", default="", help="column whose values are spread evenly over both parts")
    parser.add_argument("--group", default="", help="column whose equal values stay together")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def split(table: pd.DataFrame, args: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    for name in filter(None, (args.stratify, args.group)):
        if name not in table:
            raise SystemExit(f"there is no column {name!r}: the table has {', '.join(map(str, table.columns))}")
    if args.group:
        chooser = GroupShuffleSplit(n_splits=1, test_size=args.test_share, random_state=args.seed)
        train, test = next(chooser.split(table, groups=table[args.group].astype(object).fillna("")))
        return table.iloc[train], table.iloc[test]
    spread = table[args.stratify].astype(object).fillna("") if args.stratify else None
    return tuple(train_test_split(table, test_size=args.test_share, random_state=args.seed, stratify=spread))


def main() -> None:
    args = parse()
    if not 0 < args.test_share < 1:
        raise SystemExit("--test-share must be between 0 and 1")
    if args.stratify and args.group:
        raise SystemExit("choose --stratify or --group, not both")
    source, target = Path(args.input_path), Path(args.output_path)
    for path in tables.find(source, ".csv", ".parquet"):
        parts = dict(zip(("train", "test"), split(tables.read(path), args)))
        for name, part in parts.items():
            tables.write(part, target / name / path.relative_to(source))
        print(f"{path.relative_to(source)}: {len(parts['train'])} to learn from, {len(parts['test'])} to be measured on", flush=True)


if __name__ == "__main__":
    main()
