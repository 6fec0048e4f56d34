"""Forecasts a series of numbers from its own past, measured on its last part."""

import argparse
import json
import pickle
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

import tables


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What comes next in a series")
    parser.add_argument("--input-path", required=True, help="folder of one .csv file, rows in the order of time")
    parser.add_argument("--output-path", required=True, help="where model, forecast.csv and forecast.png go")
    parser.add_argument("--column", required=True, help="column to be forecast")
    parser.add_argument("--lags", type=int, default=24, help="past values that a forecast is made from")
    parser.add_argument("--season", type=int, default=0, help="length of a season in rows; 0: none")
    parser.add_argument("--horizon", type=int, default=24, help="rows to forecast, and to be measured on")
    parser.add_argument("--model", choices=["linear", "boosting"], default="linear", help="sort of model")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    parser.add_argument("--missing-markers", nargs="*", default=[], help="texts that mean a missing value, such as NA; empty cells always do")
    return parser.parse_args()


def features(past: np.ndarray, at: int, lags: int, season: int) -> list[float]:
    row = list(past[at - lags : at])
    if season:
        row += [np.sin(2 * np.pi * at / season), np.cos(2 * np.pi * at / season)]
    return row


def forecast(model, past: np.ndarray, steps: int, args: argparse.Namespace) -> np.ndarray:
    known = list(past)
    for _ in range(steps):
        known.append(float(model.predict([features(np.array(known), len(known), args.lags, args.season)])[0]))
    return np.array(known[len(past) :])


def fit(series: np.ndarray, args: argparse.Namespace):
    rows = [features(series, at, args.lags, args.season) for at in range(args.lags, len(series))]
    model = Ridge(alpha=1e-3) if args.model == "linear" else HistGradientBoostingRegressor(random_state=args.seed)
    return model.fit(rows, series[args.lags :])


def main() -> None:
    args = parse()
    files = tables.find(args.input_path, ".csv")
    if len(files) != 1:
        raise SystemExit(f"one .csv file is needed below {args.input_path}, there are {len(files)}")
    table = tables.read(files[0], args.missing_markers)
    if args.column not in table:
        raise SystemExit(f"there is no column {args.column!r}: the table has {', '.join(table.columns)}")
    if not tables.is_number(table[args.column]):
        raise SystemExit(f"column {args.column!r} holds texts: a series is of numbers; name texts such as NA in --missing-markers")
    series = tables.numbers(table[args.column]).interpolate(limit_direction="both").to_numpy(dtype=float)
    if len(series) < args.lags * 2 + args.horizon:
        raise SystemExit(f"{len(series)} rows are too few: --lags {args.lags} and --horizon {args.horizon} need {args.lags * 2 + args.horizon}")
    known, held = series[: -args.horizon], series[-args.horizon :]
    tested = forecast(fit(known, args), known, args.horizon, args)
    error = np.abs(tested - held).mean()
    naive = np.abs(np.resize(known[-(args.season or 1) :], args.horizon) - held).mean()
    print(f"mlreef: step=1 mean_absolute_error={error:.6f} against_naive={error / max(naive, 1e-12):.6f}", flush=True)
    model = fit(series, args)
    future = forecast(model, series, args.horizon, args)
    target = Path(args.output_path)
    target.mkdir(parents=True, exist_ok=True)
    with (target / "model.pkl").open("wb") as file:
        pickle.dump(model, file)
    pd.DataFrame({"step": range(1, args.horizon + 1), args.column: future}).to_csv(target / "forecast.csv", index=False)
    figure, axes = plt.subplots(figsize=(9, 3.5), dpi=120)
    shown = series[-6 * args.horizon :]
    axes.plot(range(-len(shown), 0), shown, label="known", color="#555")
    axes.plot(range(-args.horizon, 0), tested, label="tested forecast", color="#d8803b")
    axes.plot(range(args.horizon), future, label="forecast", color="#3b7dd8")
    axes.legend()
    figure.tight_layout()
    figure.savefig(target / "forecast.png")
    card = {"framework": "scikit-learn", "column": args.column, "lags": args.lags, "mean_absolute_error": error}
    (target / "model.json").write_text(json.dumps(card, indent=1))


if __name__ == "__main__":
    main()
