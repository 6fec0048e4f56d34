"""Fit a scikit-learn classifier on a CSV file and report cross-validated scores.

Example:
    python fit_model.py data.csv --target species --model forest --out model.joblib
"""
import argparse
import json
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MODELS = {
    "logistic": lambda seed: LogisticRegression(max_iter=1000, random_state=seed),
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
    "boosting": lambda seed: GradientBoostingClassifier(random_state=seed),
    "knn": lambda seed: KNeighborsClassifier(),
}
SCORINGS = ("accuracy", "f1_macro", "roc_auc_ovr")


def positive_int(value):
    ivalue = int(value)
    if ivalue <= 0:
        raise argparse.ArgumentTypeError("%s is not a positive integer" % value)
    return ivalue


def build_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("data", type=Path, help="CSV file with a header")
    parser.add_argument("--target", required=True, help="name of the label column")
    parser.add_argument("--model", choices=sorted(MODELS), default="forest", help="which classifier to fit")
    parser.add_argument("--scoring", choices=SCORINGS, default=SCORINGS[0], help="score to report")
    parser.add_argument("--cv", type=positive_int, default=5, help="number of folds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--params", type=json.loads, default={}, help="JSON object with more settings of the model")
    parser.add_argument("--out", type=Path, default=Path("model.joblib"), help="where the fitted model goes")
    parser.add_argument("-q", "--quiet", action="store_true")
    return parser


def main(argv=None):
    args = build_parser().parse_args(argv)
    frame = pd.read_csv(args.data)
    y = frame.pop(args.target)
    model = make_pipeline(StandardScaler(), MODELS[args.model](args.seed).set_params(**args.params))
    scores = cross_val_score(model, frame, y, cv=args.cv, scoring=args.scoring)
    if not args.quiet:
        print(f"{args.scoring}: {scores.mean():.3f} +- {scores.std():.3f}")
    joblib.dump(model.fit(frame, y), args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
