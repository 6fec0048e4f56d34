"""Splits text files into tokens and counts them."""

import argparse
import csv
import json
import re
from collections import Counter
from pathlib import Path

SUFFIXES = {".txt", ".md", ".csv"}
PATTERNS = {"words": r"\w+", "words-and-signs": r"\w+|[^\w\s]", "characters": r"\S"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tokens of text files and their vocabulary")
    parser.add_argument("--input-path", required=True, help="folder of .txt, .md or .csv files")
    parser.add_argument("--output-path", required=True, help="where tokens and vocabulary.csv go")
    parser.add_argument("--unit", choices=["words", "words-and-signs", "characters"], default="words", help="what a token is")
    parser.add_argument("--lower", action=argparse.BooleanOptionalAction, default=True, help="lower case first")
    parser.add_argument("--ngrams", type=int, default=1, help="tokens joined to one, 1 to 5")
    parser.add_argument("--least", type=int, default=1, help="rarer tokens are left out of the vocabulary")
    return parser.parse_args()


def tokens(text: str, args: argparse.Namespace) -> list[str]:
    found = re.findall(PATTERNS[args.unit], text.lower() if args.lower else text)
    return [" ".join(found[n : n + args.ngrams]) for n in range(len(found) - args.ngrams + 1)]


def main() -> None:
    args = parse()
    if not 1 <= args.ngrams <= 5:
        raise SystemExit("--ngrams must be between 1 and 5")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no .txt, .md or .csv files below {source}")
    counts: Counter[str] = Counter()
    for path in files:
        name = path.relative_to(source)
        place = target / name.with_name(f"{name.name}.jsonl")
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("w", encoding="utf-8") as out:
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                found = tokens(line, args)
                counts.update(found)
                out.write(json.dumps(found, ensure_ascii=False) + "\n")
    with (target / "vocabulary.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["token", "count"])
        writer.writerows(row for row in sorted(counts.items(), key=lambda row: (-row[1], row[0])) if row[1] >= args.least)
    print(f"mlreef: step=1 files={len(files)} tokens={sum(counts.values())} vocabulary={len(counts)}", flush=True)


if __name__ == "__main__":
    main()
