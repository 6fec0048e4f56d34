"""docopt: the usage text is the parser. One usage pattern without commands is read, which is what scripts have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mlreef.extraction import units
from mlreef.extraction.calls import Call
from mlreef.extraction.model import Parameter, role_of
from mlreef.extraction.session import CALLS, Described, Session

_USAGE = re.compile(r"^[^\n]*usage:[ \t]*\n?(.*?)(?:\n[ \t]*\n|\Z)", re.IGNORECASE | re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"\[|\]|\(|\)|\||\.\.\.|[^\s\[\]()|.]+(?:\.(?!\.\.)[^\s\[\]()|.]*)*")
_OPTION = re.compile(r"(--?[A-Za-z0-9][\w-]*)(?:[ =](<[^>]+>|[A-Z][A-Z0-9_-]*))?")
_DEFAULT = re.compile(r"\[default: (.*?)\]", re.IGNORECASE)
_SHOWN = re.compile(r"\s*\[default: .*?\](?=(\.?))", re.IGNORECASE)
_NEVER = {"-h", "--help", "--version"}


@dataclass(eq=False, slots=True)
class Docopt:
    """`docopt(__doc__)`."""

    session: Session
    origin: Call
    text: str

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        call = self.origin
        found = Described("docopt", call.node, call.module, description=self.text.strip().partition("\n\n")[0])
        options = self._options()
        patterns = _patterns(self.text)
        if len(patterns) != 1:
            self.session.error(call.module, call.node, f"{len(patterns)} usage patterns cannot be one processor",
                               "keep one pattern beside --help and --version")  # fmt: skip
            return found
        if not self._pattern(patterns[0], options, found):
            self.session.error(call.module, call.node, "this usage pattern is not read",
                               "write plain arguments and options, without commands and alternatives")  # fmt: skip
        return found

    def _options(self) -> dict[str, Parameter]:
        found: dict[str, Parameter] = {}
        for line in self.text.splitlines():
            stripped = line.strip()
            if not stripped.startswith("-"):
                continue
            left, _, text = stripped.partition("  ")
            names = _OPTION.findall(left)
            flags = [flag for flag, _ in names]
            if not flags or _NEVER & set(flags):
                continue
            flag = next((one for one in flags if one.startswith("--")), flags[0])
            parameter = self._parameter(flag.lstrip("-").replace("-", "_"), flag, " ".join(text.split()))
            parameter.required = False
            if not any(argument for _, argument in names):
                parameter.type, parameter.role, parameter.default = "boolean", "value", False
            default = _DEFAULT.search(text)
            if default is not None:
                parameter.default = default[1]
            parameter.help = " ".join(_SHOWN.sub("", parameter.help).split())
            parameter.unit = units.of(parameter.help) if parameter.type != "boolean" else None
            found.update(dict.fromkeys(flags, parameter))
        return found

    def _pattern(self, pattern: str, options: dict[str, Parameter], found: Described) -> bool:
        """Take over what one usage pattern names; False when it holds more than that."""
        depth = 0
        for word in _TOKEN.findall(pattern):
            if word in "[]()":
                depth += {"[": 1, "]": -1}.get(word, 0)
            elif word == "|":
                return False
            elif word == "...":
                if found.parameters:
                    found.parameters[-1].multiple, found.parameters[-1].nargs = True, "*"
                    found.parameters[-1].role = "value"
            elif word == "options":
                found.parameters += [one for one in _unique(options) if one not in found.parameters]
            elif word.startswith("-"):
                self._named(word, depth, options, found)
            elif word.startswith("<") or word.isupper():
                one = self._parameter(re.sub(r"\W+", "_", word.strip("<>")).lower(), None, "")
                one.required = depth == 0
                found.parameters.append(one)
            else:
                return False
        return True

    def _named(self, word: str, depth: int, options: dict[str, Parameter], found: Described) -> None:
        flag, equals, _ = word.partition("=")
        if flag in _NEVER:
            return
        one = options.get(flag)
        if one is None:
            one = self._parameter(flag.lstrip("-").replace("-", "_"), flag, "")
            one.required = False
            if not equals:
                one.type, one.role, one.default = "boolean", "value", False
        one.required = depth == 0 and one.type != "boolean" and one.default is None
        if one not in found.parameters:
            found.parameters.append(one)

    def _parameter(self, name: str, flag: str | None, text: str) -> Parameter:
        return Parameter(
            name=name, flag=flag, type="string", required=True, default=None, choices=None, min=None, max=None,
            multiple=False, nargs=None, help=text, unit=None, role=role_of(name, "string"),
            position=self.session.position(self.origin.module, self.origin.node),
        )  # fmt: skip


def _unique(options: dict[str, Parameter]) -> list[Parameter]:
    return list({id(one): one for one in options.values()}.values())


def _patterns(text: str) -> list[str]:
    usage = _USAGE.search(text)
    lines = [line.strip() for line in usage[1].splitlines() if line.strip()] if usage is not None else []
    programs = [line.partition(" ")[2] for line in lines]
    return [one for one in programs if not set(re.findall(r"--?[\w-]+", one)) & _NEVER or "[options]" in one]


def _start(session: Session, call: Call) -> Any:
    text = call.argument(0, "doc")
    text = text if isinstance(text, str) else call.module.scope.variables.get("__doc__")
    if isinstance(text, str):
        session.start(Docopt(session, call, text[:100_000]))
    return None


CALLS["docopt.docopt"] = _start
