"""Turns the lines of a CI job into one shell script: stops at the first failure, says each line before running it.

The lines come from the CI configuration; nothing else is ever put into them. Values travel as variables only.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

# bash where the image has one, as GitLab's runner does; jobs are written for either.
_SHELL = (
    "for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash; do "
    'if [ -x "$shell" ]; then exec "$shell" "$1"; fi; done; exec /bin/sh "$1"'
)
_GREEN, _RESET = "\033[32;1m", "\033[0;m"


def command(script: str) -> list[str]:
    """The argv that runs a script file with the best shell there is."""
    return ["/bin/sh", "-c", _SHELL, "sh", script]


def render(lines: Sequence[str]) -> str:
    """The script file's content."""
    parts = ['if [ -n "${BASH_VERSION:-}" ]; then set -eo pipefail; else set -e; fi', "umask 002"]
    for line in lines:
        parts.append(f"printf '%s\\n' {shlex.quote(_shown(line))}")
        parts.append(line)
    return "\n".join([*parts, ""])


def _shown(line: str) -> str:
    first, more, _ = line.strip().partition("\n")
    note = " # collapsed multi-line command" if more else ""
    return f"{_GREEN}$ {first}{note}{_RESET}"
