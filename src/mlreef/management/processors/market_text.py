"""Words of the marketplace: one way to cut texts and questions into words, the same for both databases.

The databases are given nothing but letters and digits, so no question can be a fault of their query languages, and what
matches does not depend on their tokenizers, dictionaries and locales.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_QUESTION = 1000
"""Characters of a question that are looked at."""
MAX_TERMS = 12
MAX_README = 20_000
_MAX_WORD = 50
_MAX_WORDS = 4000
_MAX_BYTES = 300_000  # a `tsvector` holds less than a megabyte
BORDER = " \ue000 "
"""Between two fields: a word for FTS5, but none that a question can have."""
_WORD = re.compile(r"[^\W_]+")
# Scripts without spaces between words: every sign is a word, and several in a row are looked for as a phrase.
_SIGNS = re.compile("([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])")
_QUOTED = re.compile(r'["“”„]([^"“”„]*)["“”„]')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand one after another; of the last one, a beginning may suffice."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Texts:
    """What a processor is found by; each holds what the one before holds, and more."""

    names: str
    told: str
    everything: str


def split(text: str, limit: int = _MAX_WORDS) -> list[str]:
    """The words of a text: folded case, no accents, plain plurals as singulars."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    found = _WORD.finditer(_SIGNS.sub(r" \1 ", unicodedata.normalize("NFKC", plain)))
    return [_singular(match[0][:_MAX_WORD]) for match, _ in zip(found, range(limit), strict=False)]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def ask(question: str) -> list[Term]:
    """What a question looks for: phrases in quotation marks and single words; all of them must be there."""
    text = question[:MAX_QUESTION]
    terms = [Term(tuple(words)) for match in _QUOTED.finditer(text) if (words := split(match[1], MAX_TERMS))]
    open_end = bool(text.rstrip()) and text.rstrip()[-1] not in '"“”„'
    pieces = _QUOTED.sub(" ", text).split()
    for index, piece in enumerate(pieces):
        words = split(piece, MAX_TERMS)
        if words:
            terms.append(Term(tuple(words), prefix=open_end and index == len(pieces) - 1))
    return list(dict.fromkeys(terms))[-MAX_TERMS:]


def texts(row: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]) -> Texts:
    """What the processor of a row is found by."""
    listed = [*(row["tags"] or []), *(row["input_types"] or []), *(row["output_types"] or [])]
    about = [row["project_path"], row["kind"], row["model_type"] or "", row["ml_category"] or "", row["framework"]]
    said = [f"{one.get('name', '')} {one.get('help') or ''}" for one in parameters]
    names = _joined([row["name"], row["title"]])
    told = _joined([" ".join(map(str, listed)), *about, row["description"], *said], before=names)
    return Texts(names, told, _joined([row["readme"][:MAX_README]], before=told))


def _joined(parts: Iterable[str], *, before: str = "") -> str:
    """Words of several fields; a phrase does not go over the border between two."""
    made, size = [before] if before else [], len(before.encode())
    for part in parts:
        text = " ".join(split(part))
        size += len(text.encode())
        if text and size < _MAX_BYTES:
            made.append(text)
    return BORDER.join(made)
