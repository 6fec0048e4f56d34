"""Repairs encodings and unifies case and white space of every text file."""

import argparse
import re
from pathlib import Path

import ftfy


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Clean text files")
    parser.add_argument("--input-path", required=True, help="folder of .txt, .md or .csv files")
    parser.add_argument("--output-path", required=True, help="where the cleaned files go")
    parser.add_argument("--lower", action="store_true", help="lower case")
    parser.add_argument("--collapse-spaces", action=argparse.BooleanOptionalAction, default=True, help="one space between words")
    parser.add_argument("--drop-empty-lines", action="store_true", help="leave out empty lines")
    return parser.parse_args()


def clean(line: str, args: argparse.Namespace) -> str:
    line = ftfy.fix_text(line)
    if args.collapse_spaces:
        line = re.sub(r"[ \t]+", " ", line).strip()
    return line.lower() if args.lower else line


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in {".txt", ".md", ".csv"})
    if not files:
        raise SystemExit(f"no .txt, .md or .csv files below {source}")
    for path in files:
        lines = [clean(line, args) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("\n".join(line for line in lines if line or not args.drop_empty_lines) + "\n", encoding="utf-8")
        print(f"{path.relative_to(source)}: {len(lines)} lines", flush=True)


if __name__ == "__main__":
    main()
