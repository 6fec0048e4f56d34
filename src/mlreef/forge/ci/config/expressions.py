"""The language of `rules:if`: variables, strings, patterns, `== != =~ !~ && ||` and parentheses.

A small recursive-descent reader and evaluator (https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions).
A variable that is not defined is null; null and the empty string are false on their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlreef.forge.ci.config import patterns
from mlreef.forge.ci.config.errors import ConfigError, fault

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<variable>\$\w+|\$\{\w+\}|%\w+%)
    | (?P<string>"[^"]*"|'[^']*')
    | (?P<pattern>/(?:\\.|[^/\\])+/[imsU]*)
    | (?P<operator>==|!=|=~|!~|&&|\|\||\(|\)|!)
    | (?P<null>null\b)
    )""",
    re.VERBOSE,
)
_PATTERN = re.compile(r"/(.*)/([a-zA-Z]*)", re.DOTALL)

MAX_LENGTH = 4096
MAX_TOKENS = 400


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def evaluate(expression: str, variables: Mapping[str, str]) -> bool:
    """Whether the expression holds for these variables; a ConfigError when it cannot be read."""
    tokens = _tokens(expression)
    reader = _Reader(tokens, variables, expression)
    result = reader.alternatives(0)
    if not reader.finished:
        raise fault(f"invalid expression syntax: {expression}")
    return result


def check(expression: str) -> str | None:
    """What is wrong with the expression, or None."""
    try:
        evaluate(expression, {})
    except ConfigError as exc:
        return exc.faults[0]
    return None


def _tokens(expression: str) -> list[_Token]:
    if len(expression) > MAX_LENGTH:
        raise fault(f"an expression is longer than {MAX_LENGTH} characters")
    tokens: list[_Token] = []
    position = 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None or len(tokens) >= MAX_TOKENS:
            raise fault(f"invalid expression syntax: {expression}")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    if not tokens:
        raise fault("invalid expression syntax: it is empty")
    return tokens


class _Reader:
    """Reads and evaluates in one go; both sides are always read so that a fault never hides."""

    def __init__(self, tokens: list[_Token], variables: Mapping[str, str], expression: str) -> None:
        self._tokens = tokens
        self._variables = variables
        self._expression = expression
        self._next = 0

    @property
    def finished(self) -> bool:
        """Whether every token was read."""
        return self._next == len(self._tokens)

    def alternatives(self, depth: int) -> bool:
        """`a || b`."""
        result = self._conjunction(depth)
        while self._take("operator", "||"):
            right = self._conjunction(depth)
            result = result or right
        return result

    def _conjunction(self, depth: int) -> bool:
        result = self._comparison(depth)
        while self._take("operator", "&&"):
            right = self._comparison(depth)
            result = result and right
        return result

    def _comparison(self, depth: int) -> bool:
        if depth > 20:
            raise fault("an expression nests too many parentheses")
        if self._take("operator", "!"):
            return not self._comparison(depth + 1)
        if self._take("operator", "("):
            result = self.alternatives(depth + 1)
            if not self._take("operator", ")"):
                raise fault(f"invalid expression syntax: {self._expression}")
            return result
        left = self._value()
        for operator in ("==", "!="):
            if self._take("operator", operator):
                return (left == self._value()) == (operator == "==")
        for operator in ("=~", "!~"):
            if self._take("operator", operator):
                return self._matches(left) == (operator == "=~")
        return bool(left)

    def _take(self, kind: str, text: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == _Token(kind, text):
            self._next += 1
            return True
        return False

    def _value(self) -> str | None:
        token = self._pop()
        if token.kind == "variable":
            return self._variables.get(token.text.strip("${}%"))
        if token.kind == "string":
            return token.text[1:-1]
        if token.kind == "null":
            return None
        raise fault(f"invalid expression syntax: {self._expression}")

    def _matches(self, left: str | None) -> bool:
        token = self._pop()
        # A variable may hold the pattern, slashes included.
        text = self._variables.get(token.text.strip("${}%")) if token.kind == "variable" else token.text
        if token.kind not in {"pattern", "variable"}:
            raise fault(f"invalid expression syntax: {self._expression}")
        match = _PATTERN.fullmatch(text or "")
        if match is None:
            return False
        return patterns.compile_pattern(match[1], match[2]).search(left or "")

    def _pop(self) -> _Token:
        if self.finished:
            raise fault(f"invalid expression syntax: {self._expression}")
        self._next += 1
        return self._tokens[self._next - 1]
