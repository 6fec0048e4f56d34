"""Writes changed copies of every line of text: words left out, swapped, or with a typing mistake."""

import argparse
import random
from pathlib import Path

SUFFIXES = {".txt", ".md"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="More lines like those that are there")
    parser.add_argument("--input-path", required=True, help="folder of .txt or .md files, one example a line")
    parser.add_argument("--output-path", required=True, help="where the longer files go")
    parser.add_argument("--copies", type=int, default=1, help="changed copies of each line")
    parser.add_argument("--drop", type=float, default=0.1, help="share of words left out")
    parser.add_argument("--swap", type=float, default=0.1, help="share of words exchanged with the next")
    parser.add_argument("--typos", type=float, default=0.05, help="share of words with two letters exchanged")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers")
    return parser.parse_args()


def changed(line: str, args: argparse.Namespace, chance: random.Random) -> str:
    words = [word for word in line.split() if chance.random() >= args.drop] or line.split()[:1]
    for n in range(len(words) - 1):
        if chance.random() < args.swap:
            words[n], words[n + 1] = words[n + 1], words[n]
    for n, word in enumerate(words):
        if len(word) > 3 and chance.random() < args.typos:
            at = chance.randrange(len(word) - 1)
            words[n] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def main() -> None:
    args = parse()
    if args.copies < 1 or not all(0 <= share <= 1 for share in (args.drop, args.swap, args.typos)):
        raise SystemExit("--copies must be at least 1, and shares between 0 and 1")
    source, target = Path(args.input_path), Path(args.output_path)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"no .txt or .md files below {source}")
    chance = random.Random(args.seed)
    for path in files:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        out = [new for line in lines for new in (line, *(changed(line, args, chance) for _ in range(args.copies) if line.strip()))]
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("\n".join(out) + "\n", encoding="utf-8")
        print(f"{path.relative_to(source)}: {len(lines)} lines became {len(out)}", flush=True)


if __name__ == "__main__":
    main()
