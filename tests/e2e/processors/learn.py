"""Pretends to learn: metrics by all three roads, a model file at the end."""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser(description="Learn something")
parser.add_argument("--input-path", required=True)
parser.add_argument("--output-path", required=True)
parser.add_argument("--epochs", type=int, default=3, help="passes")
parser.add_argument("--learning-rate", type=float, default=0.1)
args = parser.parse_args()

target = Path(args.output_path)
target.mkdir(parents=True, exist_ok=True)
for epoch in range(1, args.epochs + 1):
    accuracy = 1 - args.learning_rate / epoch
    print(f"mlreef: epoch={epoch} accuracy={accuracy:.6f}", flush=True)
    with open(os.environ["MLREEF_METRICS"], "a") as file:
        file.write(json.dumps({"name": "loss", "value": 1 / epoch, "step": epoch}) + "\n")
(target / "experiment.json").write_text(json.dumps({"final_score": accuracy}))
(target / "model.bin").write_bytes(b"model" * 100)
