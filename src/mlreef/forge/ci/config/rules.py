"""Which jobs a CI pipeline gets: `rules` are tried in order and the first that holds decides.

`changes` and `exists` look at facts that the caller gathered (paths changed, paths in the tree); with none known
`changes` holds, as GitLab does for pipelines that no push started.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mlreef.forge.ci.config import expressions
from mlreef.forge.ci.config.errors import fault

WHENS = ("on_success", "on_failure", "always", "manual", "never", "delayed")
_KEYS = {"if", "changes", "exists", "when", "allow_failure", "variables", "needs", "start_in", "interruptible"}
MAX_GLOBS = 50


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a `rules` list."""

    condition: str | None = None
    changes: tuple[str, ...] | None = None
    exists: tuple[str, ...] | None = None
    when: str | None = None
    allow_failure: bool | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    needs: Any = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules are tried against."""

    variables: Mapping[str, str]
    paths: frozenset[str] = frozenset()
    changed: frozenset[str] | None = None


def parse(value: Any, where: str) -> list[Rule]:
    """Rules of a job, a workflow or an include entry; nested lists are flattened."""
    if not isinstance(value, list):
        raise fault(f"{where}:rules config should be a list of rules")
    return [_rule(entry, f"{where}:rules:rule") for entry in _flat(value, where)]


def first_match(rules: Iterable[Rule], facts: Facts) -> Rule | None:
    """The deciding rule, or None when no rule holds."""
    return next((rule for rule in rules if holds(rule, facts)), None)


def holds(rule: Rule, facts: Facts) -> bool:
    """Whether every condition of the rule is met."""
    if rule.condition is not None and not expressions.evaluate(rule.condition, facts.variables):
        return False
    known = rule.changes is not None and facts.changed is not None
    if known and not matches(_expanded(rule.changes or (), facts), facts.changed or ()):
        return False
    return rule.exists is None or matches(_expanded(rule.exists, facts), facts.paths)


def matches(globs: Iterable[str], paths: Iterable[str]) -> bool:
    """Whether any path matches any glob (`**` crosses directories, `*` does not)."""
    compiled = [_glob(glob) for glob in globs]
    return any(pattern.fullmatch(path) for path in paths for pattern in compiled)


def exists_globs(document: Any) -> list[str]:
    """All globs that any `exists` of a merged document names, so that their paths can be looked up beforehand."""
    found: list[str] = []
    stack: list[Any] = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            held = value.get("exists")
            globs = held.get("paths") if isinstance(held, dict) else held
            found.extend(glob for glob in globs or () if isinstance(glob, str))
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return found


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` replaced; unknown names become empty, `$$` a dollar."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1] or match[2], "")

    return re.sub(r"\$\$|\$(\w+)|\$\{(\w+)\}", replace, text)


def _expanded(globs: Iterable[str], facts: Facts) -> list[str]:
    return [expand(glob, facts.variables) for glob in globs]


@lru_cache(maxsize=512)
def _glob(glob: str) -> re.Pattern[str]:
    # fnmatch.translate makes atomic groups of every `*`: no exponential backtracking.
    parts = []
    for piece in glob.lstrip("/").split("/"):
        if piece == "**":
            parts.append("(?:[^/]+/)*")
        else:
            inner = fnmatch.translate(piece).removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
            parts.append(inner.replace(".*", "[^/]*") + "/")
    pattern = "".join(parts)
    pattern = pattern.removesuffix("/") if not pattern.endswith(")*") else pattern + "[^/]+"
    return re.compile(pattern, re.DOTALL)


def _flat(value: list[Any], where: str, depth: int = 0) -> list[Any]:
    if depth > 10:
        raise fault(f"{where}:rules config is nested more than 10 levels")
    flat: list[Any] = []
    for entry in value:
        flat.extend(_flat(entry, where, depth + 1) if isinstance(entry, list) else [entry])
    return flat


def _rule(value: Any, where: str) -> Rule:
    if not isinstance(value, dict):
        raise fault(f"{where} should be a mapping with if, changes, exists or when")
    unknown = sorted(str(key) for key in value.keys() - _KEYS)
    if unknown:
        raise fault(f"{where} config contains unknown keys: {', '.join(unknown)}")
    condition = value.get("if")
    if condition is not None:
        if not isinstance(condition, str):
            raise fault(f"{where}:if should be an expression in quotes")
        problem = expressions.check(condition)
        if problem:
            raise fault(f"{where}:if {problem}")
    when = value.get("when")
    if when is not None and when not in WHENS:
        raise fault(f"{where}:when should be one of: {', '.join(WHENS)}")
    allow_failure = value.get("allow_failure")
    if allow_failure is not None and not isinstance(allow_failure, bool):
        raise fault(f"{where}:allow_failure should be true or false")
    return Rule(
        condition=condition,
        changes=_globs(value.get("changes"), f"{where}:changes"),
        exists=_globs(value.get("exists"), f"{where}:exists"),
        when=when,
        allow_failure=allow_failure,
        variables=_variables(value.get("variables"), where),
        needs=value.get("needs"),
    )


def _globs(value: Any, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, dict):
        value = value.get("paths")
    if not isinstance(value, list) or not all(isinstance(glob, str) for glob in value) or len(value) > MAX_GLOBS:
        raise fault(f"{where} should be a list of at most {MAX_GLOBS} paths")
    return tuple(value)


def _variables(value: Any, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or any(isinstance(item, dict | list) for item in value.values()):
        raise fault(f"{where}:variables should be a mapping of names to values")
    return {str(key): text(item) for key, item in value.items()}


def text(value: Any) -> str:
    """A YAML scalar as the variable value that it stands for."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
