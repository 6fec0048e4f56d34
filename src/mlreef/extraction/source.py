"""A file's bytes as a syntax tree, or one fault with its place; sizes are bounded before anything is parsed."""

from __future__ import annotations

import ast
import codecs
import re
import warnings
from dataclasses import dataclass

from mlreef.extraction.model import Fault, Position

MAX_BYTES = 1 << 20
MAX_NODES = 150_000
_MAX_TOKENS = 150_000
_MAX_BRACES = 20_000
"""Texts with very many placeholders take the parser a time that grows with the square."""
_LARGE = 64 << 10

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_ENCODINGS = {
    "utf-8",
    "ascii",
    "iso8859-1",
    "cp1252",
    "iso8859-15",
    "iso8859-2",
    "cp1251",
    "koi8-r",
    "gbk",
    "shift_jis",
}
_TOKEN = re.compile(rb"[A-Za-z0-9_\x80-\xff]+|[^\sA-Za-z0-9_\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was parsed."""

    tree: ast.Module
    lines: list[str]


def read(content: bytes, file: str) -> Source | Fault:
    """Parse a file; never raises for what it holds."""
    text = _decoded(content, file)
    if isinstance(text, Fault):
        return text
    if len(content) > _LARGE and (content.count(b"{") > _MAX_BRACES or _tokens(content) > _MAX_TOKENS):
        return _hopeless(file, "the source is too large to be read")
    lines = re.split(r"\r\n|\r|\n", text)  # as Python counts: form feeds and the like end no line
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are the author's affair
            tree = ast.parse(text, filename=file)
    except SyntaxError as exc:
        place = Position(file, exc.lineno or 1, max(1, exc.offset or 1))
        return Fault(place, f"syntax error: {exc.msg}", "correct it: Python cannot read the file")
    except (ValueError, RecursionError, MemoryError, OverflowError):
        return _hopeless(file, "the source is nested too deeply or holds characters that Python cannot read")
    if len(content) > _LARGE and sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        return _hopeless(file, "the source is too large to be read")
    return Source(tree, lines)


def _tokens(content: bytes) -> int:
    return sum(1 for _ in _TOKEN.finditer(content))


def _decoded(content: bytes, file: str) -> str | Fault:
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES >> 20} MiB"
        return Fault(Position(file, 1, 1), message, "move data out of the source")
    if b"\x00" in content:
        place = _place(content, content.index(b"\x00"), file)
        return Fault(place, "the file is no text: it holds NUL bytes", "save it with encoding UTF-8")
    encoding = _encoding(content)
    if encoding is None:
        return Fault(Position(file, 1, 1), "the file names an encoding that is not read here", "save it as UTF-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as exc:
        name = "UTF-8" if encoding == "utf-8-sig" else encoding
        return Fault(_place(content, exc.start, file), f"the file is not {name} text", "save it with encoding UTF-8")


def _encoding(content: bytes) -> str | None:
    """As PEP 263 has it: a comment in the first two lines."""
    if not content.startswith(codecs.BOM_UTF8):
        for line in content[:1000].splitlines()[:2]:
            found = _COOKIE.match(line)
            if found is not None:
                try:
                    name = codecs.lookup(found[1].decode()).name
                except (LookupError, UnicodeDecodeError):
                    return None
                return ("utf-8-sig" if name == "utf-8" else name) if name in _ENCODINGS else None
            if line.strip() and not line.lstrip().startswith(b"#"):
                break
    return "utf-8-sig"


def _place(content: bytes, offset: int, file: str) -> Position:
    before = content[:offset]
    line_start = max(before.rfind(b"\n"), before.rfind(b"\r")) + 1
    line = len(re.findall(rb"\r\n|\r|\n", before)) + 1
    return Position(file, line, len(before[line_start:].decode(errors="replace")) + 1)


def _hopeless(file: str, message: str) -> Fault:
    return Fault(Position(file, 1, 1), message, "publish a smaller script that calls the rest")
