"""Draws the words of text files, frequent ones larger."""

import argparse
import re
from collections import Counter
from pathlib import Path

from wordcloud import STOPWORDS, WordCloud


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A picture of the most frequent words")
    parser.add_argument("--input-path", required=True, help="folder of .txt, .md or .csv files")
    parser.add_argument("--output-path", required=True, help="where cloud.png and words.csv go")
    parser.add_argument("--words", type=int, default=150, help="words drawn at most")
    parser.add_argument("--width", type=int, default=1000, help="of the picture, in pixels")
    parser.add_argument("--height", type=int, default=600, help="of the picture, in pixels")
    parser.add_argument("--stopwords", choices=["english", "none"], default="english", help="words that are left out")
    parser.add_argument("--seed", type=int, default=0, help="seed of the arrangement")
    return parser.parse_args()


def main() -> None:
    args = parse()
    source, target = Path(args.input_path), Path(args.output_path)
    files = [path for path in sorted(source.rglob("*")) if path.suffix.lower() in {".txt", ".md", ".csv"}]
    text = " ".join(path.read_text(encoding="utf-8", errors="replace") for path in files).lower()
    left_out = STOPWORDS if args.stopwords == "english" else set()
    counts = Counter(word for word in re.findall(r"[^\W\d_]{2,}", text) if word not in left_out)
    if not counts:
        raise SystemExit(f"no words in .txt, .md or .csv files below {source}")
    target.mkdir(parents=True, exist_ok=True)
    cloud = WordCloud(width=args.width, height=args.height, max_words=args.words, background_color="white", random_state=args.seed)
    cloud.generate_from_frequencies(counts).to_file(str(target / "cloud.png"))
    rows = [f"{word},{number}" for word, number in counts.most_common(args.words)]
    (target / "words.csv").write_text("word,count\n" + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"mlreef: step=1 files={len(files)} different={len(counts)} words={sum(counts.values())}", flush=True)


if __name__ == "__main__":
    main()
