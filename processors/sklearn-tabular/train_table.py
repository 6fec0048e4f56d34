"""Trains a classifier or regressor of scikit-learn on CSV tables and measures it on rows that it did not see."""

import argparse
import json
import pickle
from pathlib import Path

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import tables


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Classifier or regressor for tables")
    parser.add_argument("--input-path", required=True, help="folder of .csv files with the same columns")
    parser.add_argument("--output-path", required=True, help="where model, predictions and report go")
    parser.add_argument("--target", required=True, help="column to be predicted")
    parser.add_argument("--task", choices=["auto", "classification", "regression"], default="auto", help="auto: numbers with many values are regression")
    parser.add_argument("--model", choices=["linear", "random-forest"], default="random-forest", help="sort of model")
    parser.add_argument("--trees", type=int, default=200, help="trees of the random forest")
    parser.add_argument("--test-share", type=float, default=0.25, help="share of rows to be measured on, between 0 and 1")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    parser.add_argument("--missing-markers", nargs="*", default=[], help="texts that mean a missing value, such as NA; empty cells always do")
    return parser.parse_args()


def build(args: argparse.Namespace, classes: bool):
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", max_categories=50))
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (words, make_column_selector(dtype_exclude="number"))
    )
    if args.model == "linear":
        return make_pipeline(columns, LogisticRegression(max_iter=2000) if classes else Ridge())
    forest = RandomForestClassifier if classes else RandomForestRegressor
    return make_pipeline(columns, forest(args.trees, random_state=args.seed))


def main() -> None:
    args = parse()
    read = [tables.read(path, args.missing_markers) for path in tables.find(args.input_path, ".csv")]
    table = pd.concat(read, ignore_index=True)
    if args.target not in table:
        raise SystemExit(f"there is no column {args.target!r}: the table has {', '.join(table.columns)}")
    table = tables.typed(table.dropna(subset=[args.target]))
    x, y = table.drop(columns=args.target), table[args.target]
    many = pd.api.types.is_numeric_dtype(y) and (y.nunique() > 20 or any(y % 1))
    classes = args.task == "classification" or (args.task == "auto" and not many)
    if not classes and not pd.api.types.is_numeric_dtype(y):
        raise SystemExit(f"column {args.target!r} holds texts: regression needs numbers; name texts such as NA in --missing-markers")
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=args.test_share, random_state=args.seed, stratify=y if classes and y.value_counts().min() > 1 else None
    )
    model = build(args, classes).fit(x_train, y_train)
    predicted = model.predict(x_test)
    if classes:
        metrics = {"accuracy": accuracy_score(y_test, predicted), "f1": f1_score(y_test, predicted, average="macro")}
    else:
        metrics = {"r2": r2_score(y_test, predicted), "mean_absolute_error": mean_absolute_error(y_test, predicted)}
    print("mlreef: step=1 " + " ".join(f"{name}={value:.6f}" for name, value in metrics.items()), flush=True)
    target = Path(args.output_path)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "model.pkl").open("wb") as file:
        pickle.dump(model, file)
    pd.DataFrame({"truth": y_test, "predicted": predicted}).to_csv(target / "predictions.csv", index=False)
    card = {"framework": "scikit-learn", "target": args.target, "columns": list(x.columns), "metrics": metrics}
    (target / "model.json").write_text(json.dumps(card, indent=1, default=float))


if __name__ == "__main__":
    main()
