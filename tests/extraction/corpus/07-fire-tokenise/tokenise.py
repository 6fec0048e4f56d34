import json
import os
import re
from collections import Counter

import fire


def tokenise(input_dir, output_dir, vocab_size=32000, lower=True, min_count: int = 2, pattern=r"\w+", specials=["<pad>", "<unk>"], max_files=None):
    """Build a vocabulary and write token ids.

    Args:
        input_dir: folder of text files
        output_dir: where ids and the vocabulary are written
        vocab_size: how many words are kept at most
        lower: bring all to lower case
        min_count: words that are rarer are unknown
        pattern: regular expression of a word
        specials: tokens that come first
        max_files (int): stop after so many files
    """
    counter = Counter()
    names = sorted(os.listdir(input_dir))[:max_files]
    for name in names:
        with open(os.path.join(input_dir, name), encoding="utf8") as f:
            text = f.read()
        counter.update(re.findall(pattern, text.lower() if lower else text))
    words = specials + [w for w, c in counter.most_common(vocab_size - len(specials)) if c >= min_count]
    os.makedirs(output_dir, exist_ok=True)
    with open(os.path.join(output_dir, "vocab.json"), "w") as f:
        json.dump({w: i for i, w in enumerate(words)}, f)
    print(f"mlreef: words={len(words)} files={len(names)} step=0")


if __name__ == "__main__":
    fire.Fire(tokenise)
