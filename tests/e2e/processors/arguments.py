"""Writes down exactly what it was called with."""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser(description="Write the arguments down")
parser.add_argument("--input-path", required=True)
parser.add_argument("--output-path", required=True)
parser.add_argument("--text", default="")
parser.add_argument("--number", type=float, default=0.0)
parser.add_argument("--flag", action="store_true")
args = parser.parse_args()

Path(args.output_path).mkdir(parents=True, exist_ok=True)
secrets = sorted(name for name in os.environ if "TOKEN" in name or "PASSWORD" in name)
found = {"text": args.text, "number": args.number, "flag": args.flag, "secrets": secrets}
Path(args.output_path, "arguments.json").write_text(json.dumps(found))
