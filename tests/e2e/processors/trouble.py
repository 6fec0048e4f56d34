"""Fails in the way that it is told to."""

import argparse
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser(description="Fail on purpose")
parser.add_argument("--input-path", required=True)
parser.add_argument("--output-path", required=True)
parser.add_argument("--mode", choices=["exit", "memory", "sleep", "silent", "fine"], default="fine")
parser.add_argument("--code", type=int, default=3)
args = parser.parse_args()

print(f"first line of {args.mode}", flush=True)
if args.mode == "exit":
    print("last words before the end", flush=True)
    sys.exit(args.code)
if args.mode == "memory":
    kept = []
    while True:
        kept.append(bytearray(16 << 20))
if args.mode == "sleep":
    while True:
        time.sleep(1)
if args.mode == "fine":
    Path(args.output_path).mkdir(parents=True, exist_ok=True)
    Path(args.output_path, "fine.txt").write_text("fine\n")
