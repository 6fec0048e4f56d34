"""Regular expressions of users, in time linear in the subject.

The standard library backtracks, so a pattern in a repository could stop the server (ReDoS). Here its parser reads the
pattern and a Pike-style simulation runs it: all states at once, no backtracking, hence no back-references or
look-around, which are refused as RE2 (GitLab's engine for CI rules) refuses them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlreef.forge.ci.config.errors import fault

# The standard library's own pattern parser: stable since 3.11 though undocumented.
_parser: Any = __import__("re._parser", fromlist=["parse"])

MAX_PROGRAM = 600
MAX_SUBJECT = 2048
MAX_PATTERN = 512

Test = Callable[[str], bool]
Fragment = list["_Step"]


@dataclass(slots=True)
class _Step:
    """One instruction; `targets` are offsets relative to its own position."""

    kind: str  # char, split, at, match
    test: Test | None = None
    targets: tuple[int, ...] = ()
    at: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern."""

    program: tuple[_Step, ...]

    def search(self, subject: str) -> bool:
        """Whether the pattern matches anywhere; only the first 2048 characters count."""
        text = subject[:MAX_SUBJECT]
        states: set[int] = set()
        for index in range(len(text) + 1):
            states.add(0)
            states = self._closure(states, text, index)
            if len(self.program) - 1 in states:
                return True
            if index < len(text):
                states = self._consume(states, text[index])
        return False

    def _consume(self, states: set[int], char: str) -> set[int]:
        return {pc + 1 for pc in states if (test := self.program[pc].test) is not None and test(char)}

    def _closure(self, states: set[int], text: str, index: int) -> set[int]:
        seen: set[int] = set()
        stack = list(states)
        while stack:
            pc = stack.pop()
            if pc in seen:
                continue
            seen.add(pc)
            step = self.program[pc]
            if step.kind == "split":
                stack.extend(pc + offset for offset in step.targets)
            elif step.kind == "at" and _holds(step.at, text, index):
                stack.append(pc + 1)
        return seen


def compile_pattern(source: str, flags: str = "") -> Pattern:
    """Read a pattern as written between slashes; `flags` are i, m and s."""
    if len(source) > MAX_PATTERN:
        raise fault(f"the pattern /{source[:40]}.../ is longer than {MAX_PATTERN} characters")
    options = 0
    for flag in flags:
        options |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "u": 0}.get(flag, 0)
    # Ruby's absolute anchors, as GitLab's users write them.
    translated = source.replace(r"\z", r"\Z").replace(r"\/", "/")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parser.parse(translated, options)
    except (re.error, OverflowError, RecursionError) as exc:
        raise fault(f"the pattern /{source}/ is not valid: {exc}") from exc
    compiler = _Compiler(source, tree.state.flags)
    program = compiler.sequence(tree)
    return Pattern((*program, _Step("match")))


class _Compiler:
    """From the standard library's parse tree to steps."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags
        self._handlers: dict[str, Callable[[Any], Fragment]] = {
            "LITERAL": self._literal,
            "NOT_LITERAL": self._not_literal,
            "ANY": self._any,
            "IN": self._in,
            "AT": lambda arg: [_Step("at", at=self._anchor(str(arg)))],
            "SUBPATTERN": lambda arg: self.sequence(arg[-1]),
            "BRANCH": lambda arg: self._branch([self.sequence(option) for option in arg[1]]),
            "MAX_REPEAT": self._repeat,
            "MIN_REPEAT": self._repeat,
        }

    def sequence(self, items: Any) -> Fragment:
        """Steps of the items one after the other."""
        steps: Fragment = []
        for op, argument in items:
            handler = self._handlers.get(str(op))
            if handler is None:
                raise fault(f"the pattern /{self._source}/ uses {str(op).lower()}, which CI rules do not support")
            steps.extend(self._bounded(handler(argument)))
        return self._bounded(steps)

    def _bounded(self, steps: Fragment) -> Fragment:
        if len(steps) > MAX_PROGRAM:
            raise fault(f"the pattern /{self._source}/ is too large; simplify its repetitions")
        return steps

    def _fold(self, char: str) -> str:
        return char.lower() if self._flags & re.IGNORECASE else char

    def _char(self, test: Test) -> Fragment:
        return [_Step("char", test=test)]

    def _literal(self, code: int) -> Fragment:
        wanted = self._fold(chr(code))
        return self._char(lambda char: self._fold(char) == wanted)

    def _not_literal(self, code: int) -> Fragment:
        unwanted = self._fold(chr(code))
        return self._char(lambda char: self._fold(char) != unwanted)

    def _any(self, _argument: Any) -> Fragment:
        every = bool(self._flags & re.DOTALL)
        return self._char(lambda char: every or char != "\n")

    def _anchor(self, name: str) -> str:
        multiline = bool(self._flags & re.MULTILINE)
        if name == "AT_BEGINNING":
            return "line start" if multiline else "start"
        if name == "AT_END":
            return "line end" if multiline else "end"
        return {"AT_BEGINNING_STRING": "start", "AT_END_STRING": "very end"}.get(name, name)

    def _in(self, items: list[Any]) -> Fragment:
        negate = bool(items) and str(items[0][0]) == "NEGATE"
        tests = [self._member(str(op), argument) for op, argument in (items[1:] if negate else items)]
        return self._char(lambda char: any(test(char) for test in tests) != negate)

    def _member(self, op: str, argument: Any) -> Test:
        if op == "LITERAL":
            wanted = self._fold(chr(argument))
            return lambda char: self._fold(char) == wanted
        if op == "RANGE":
            low, high = argument
            cased = bool(self._flags & re.IGNORECASE)
            return lambda char: low <= ord(char) <= high or (cased and low <= ord(char.swapcase()[0]) <= high)
        return _CATEGORIES[str(argument)]

    def _branch(self, options: list[Fragment]) -> Fragment:
        if len(options) == 1:
            return options[0]
        rest = self._branch(options[1:])
        first = options[0]
        return self._bounded(
            [_Step("split", targets=(1, len(first) + 2)), *first, _Step("split", targets=(len(rest) + 1,)), *rest]
        )

    def _repeat(self, argument: tuple[int, Any, Any]) -> Fragment:
        low, high, items = argument
        body = self.sequence(items)
        unbounded = str(high) == "MAXREPEAT"
        if (low + 1 if unbounded else int(high)) * (len(body) + 2) > MAX_PROGRAM:
            raise fault(f"the pattern /{self._source}/ is too large; simplify its repetitions")
        steps = body * low
        if unbounded:
            again = _Step("split", targets=(-len(body) - 1,))
            return [*steps, _Step("split", targets=(1, len(body) + 2)), *body, again]
        for _ in range(int(high) - low):
            steps = [*steps, _Step("split", targets=(1, len(body) + 1)), *body]
        return steps


def _word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CATEGORIES: dict[str, Test] = {
    "CATEGORY_DIGIT": lambda char: char.isdecimal(),
    "CATEGORY_NOT_DIGIT": lambda char: not char.isdecimal(),
    "CATEGORY_SPACE": lambda char: char.isspace(),
    "CATEGORY_NOT_SPACE": lambda char: not char.isspace(),
    "CATEGORY_WORD": _word,
    "CATEGORY_NOT_WORD": lambda char: not _word(char),
}


def _holds(anchor: str, text: str, index: int) -> bool:
    before, after = text[:index][-1:], text[index : index + 1]
    if anchor == "start":
        return index == 0
    if anchor == "very end":
        return index == len(text)
    if anchor == "end":
        return index == len(text) or (after == "\n" and index == len(text) - 1)
    if anchor == "line start":
        return index == 0 or before == "\n"
    if anchor == "line end":
        return index == len(text) or after == "\n"
    boundary = bool(before and _word(before)) != bool(after and _word(after))
    return boundary if anchor == "AT_BOUNDARY" else not boundary
