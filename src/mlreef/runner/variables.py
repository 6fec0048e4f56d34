"""CI variables as GitLab's runner treats them: later wins, references are expanded once, files become paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlreef.runner.payload import Variable

_REFERENCE = re.compile(r"\$\$|%%|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEPTH = 10


def resolve(variables: Iterable[Variable], extra: Mapping[str, str]) -> dict[str, Variable]:
    """The effective variable per key, references expanded; `extra` is what the runner itself adds, on top."""
    chosen = {variable.key: variable for variable in variables if _NAME.fullmatch(variable.key)}
    chosen.update({key: Variable(key, value, raw=True) for key, value in extra.items()})
    return {key: _expanded(variable, chosen) for key, variable in chosen.items()}


def environment(variables: Mapping[str, Variable], directory: Path, shown: str) -> dict[str, str]:
    """Write file variables into `directory`, which the job sees as `shown`; the environment of the job."""
    result = {}
    for key, variable in variables.items():
        value = variable.value.replace("\0", "")
        if variable.file:
            path = directory / key
            path.write_text(value)
            path.chmod(0o600)
            value = f"{shown}/{key}"
        result[key] = value
    return result


def _expanded(variable: Variable, known: Mapping[str, Variable]) -> Variable:
    if variable.raw or variable.file or ("$" not in variable.value and "%%" not in variable.value):
        return variable
    value = variable.value
    for _ in range(_DEPTH):
        following = _once(value, variable.key, known)
        if following == value:
            break
        value = following
        if len(value) > 1 << 20:
            break
    return Variable(variable.key, value.replace("\0", "$"), variable.file, variable.masked, variable.raw)


def _once(value: str, own: str, known: Mapping[str, Variable]) -> str:
    def replaced(match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "\0"  # decided: a dollar sign, not the beginning of a reference
        if match.group() == "%%":
            return "%"
        name = match.group(1) or match.group(2)
        target = known.get(name)
        if target is None or name == own:
            return ""
        # What a raw variable holds is text, never a reference to another one.
        return target.value.replace("$", "\0") if target.raw or target.file else target.value

    return _REFERENCE.sub(replaced, value)
