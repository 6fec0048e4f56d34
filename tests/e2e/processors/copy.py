"""Copies its input, marking every text; reports two metrics."""

import argparse
import shutil
from pathlib import Path

parser = argparse.ArgumentParser(description="Copy files")
parser.add_argument("--input-path", required=True, help="folder")
parser.add_argument("--output-path", required=True, help="folder")
parser.add_argument("--suffix", default="", help="added to every .txt file")
parser.add_argument("--times", type=int, default=1, help="how many copies")
args = parser.parse_args()

count = 0
source = Path(args.input_path)
for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
    if not path.is_file():
        continue
    for number in range(args.times):
        name = path.relative_to(source) if source.is_dir() else Path(path.name)
        target = Path(args.output_path, str(name) if number == 0 else f"{number}-{name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        if target.suffix == ".txt" and args.suffix:
            with target.open("a") as file:
                file.write(args.suffix)
        count += 1
print(f"mlreef: step=1 files={count} share=1.0", flush=True)
