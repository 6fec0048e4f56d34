"""Trains gradient boosted trees on CSV tables, with early stopping, and measures them on rows that they did not see."""

import argparse
import json
import pickle
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

import tables


CATEGORIES = 255  # different texts of a column that the model can tell apart


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Gradient boosted trees for tables")
    parser.add_argument("--input-path", required=True, help="folder of .csv files with the same columns")
    parser.add_argument("--output-path", required=True, help="where model, importance of columns and report go")
    parser.add_argument("--target", required=True, help="column to be predicted")
    parser.add_argument("--task", choices=["classification", "regression"], default="classification", help="what is predicted")
    parser.add_argument("--rounds", type=int, default=200, help="trees at most")
    parser.add_argument("--learning-rate", type=float, default=0.1, help="weight of each tree")
    parser.add_argument("--leaves", type=int, default=31, help="leaves of a tree at most")
    parser.add_argument("--patience", type=int, default=10, help="rounds without progress after which it ends")
    parser.add_argument("--test-share", type=float, default=0.25, help="share of rows to be measured on, between 0 and 1")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    parser.add_argument("--missing-markers", nargs="*", default=[], help="texts that mean a missing value, such as NA; empty cells always do")
    return parser.parse_args()


def main() -> None:
    args = parse()
    read = [tables.read(path, args.missing_markers) for path in tables.find(args.input_path, ".csv")]
    table = pd.concat(read, ignore_index=True)
    if args.target not in table:
        raise SystemExit(f"there is no column {args.target!r}: the table has {', '.join(table.columns)}")
    table = tables.typed(table.dropna(subset=[args.target]))
    x, y = table.drop(columns=args.target), table[args.target]
    classes = args.task == "classification"
    if not classes and not pd.api.types.is_numeric_dtype(y):
        raise SystemExit(f"column {args.target!r} holds texts: regression needs numbers; name texts such as NA in --missing-markers")
    for name in x.columns:
        if pd.api.types.is_numeric_dtype(x[name]):
            continue
        if x[name].nunique() > CATEGORIES:
            print(f"warning: column {name!r} is left out: it has {x[name].nunique()} different texts, {CATEGORIES} at most can be learned from", flush=True)
            x = x.drop(columns=name)
        else:
            x[name] = x[name].astype("category")
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=args.test_share, random_state=args.seed)
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model = kind(
        max_iter=args.rounds, learning_rate=args.learning_rate, max_leaf_nodes=args.leaves, early_stopping=True,
        n_iter_no_change=args.patience, random_state=args.seed, categorical_features="from_dtype",
    ).fit(x_train, y_train)
    measure = accuracy_score if classes else r2_score
    name = "accuracy" if classes else "r2"
    for step, predicted in enumerate(model.staged_predict(x_test), 1):
        if step % 5 == 0 or step == model.n_iter_:
            print(f"mlreef: step={step} {name}={measure(y_test, predicted):.6f}", flush=True)
    target = Path(args.output_path)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "model.pkl").open("wb") as file:
        pickle.dump(model, file)
    weights = permutation_importance(model, x_test, y_test, n_repeats=5, random_state=args.seed).importances_mean
    ranked = pd.Series(weights, index=x.columns, name="importance").sort_values(ascending=False)
    ranked.rename_axis("column").to_csv(target / "importance.csv")
    card = {"framework": "scikit-learn", "target": args.target, "rounds": int(model.n_iter_), name: float(measure(y_test, model.predict(x_test)))}
    (target / "model.json").write_text(json.dumps(card, indent=1))


if __name__ == "__main__":
    main()
