"""absl flags (and TensorFlow's old ones): `flags.DEFINE_integer("epochs", 3, "passes over the data")`."""

from __future__ import annotations

from typing import Any

from mlreef.extraction import options, units
from mlreef.extraction.calls import Call
from mlreef.extraction.model import Parameter, role_of
from mlreef.extraction.session import CALLS, MAX_PARAMETERS, Described, Session
from mlreef.extraction.types import enum_values
from mlreef.extraction.values import UNKNOWN, Class, Thing

_PREFIXES = (
    "absl.flags",
    "tensorflow.app.flags",
    "tensorflow.compat.v1.app.flags",
    "tensorflow.compat.v1.flags",
    "gflags",
)
_KINDS = {
    "string": "string",
    "integer": "integer",
    "float": "float",
    "bool": "boolean",
    "boolean": "boolean",
    "enum": "choice",
    "enum_class": "choice",
    "list": "string",
    "spaceseplist": "string",
    "multi_string": "string",
    "multi_integer": "integer",
    "multi_float": "float",
    "multi_enum": "choice",
}


class Flags(Thing):
    """All flags of a program."""

    __slots__ = ("_call", "_session", "parameters")

    def __init__(self, session: Session, call: Call) -> None:
        self._session, self._call = session, call
        self.parameters: list[Parameter] = []

    def define(self, kind: str, call: Call) -> Any:
        """One `DEFINE_...`."""
        name = call.argument(0, "name")
        if not isinstance(name, str) or not name:
            self._session.error(call.module, call.node, "the name of this flag is computed while the program runs",
                                "write it as a constant text")  # fmt: skip
            return UNKNOWN
        shift = 1 if "enum" in kind else 0
        default, text = call.argument(1, "default"), call.argument(2 + shift, "help", "")
        limits = {key: call.keywords.get(key) for key in ("lower_bound", "upper_bound")}
        low, high = (one if isinstance(one, (int, float)) else None for one in limits.values())
        found = Parameter(
            name=name, flag=f"--{name}", type=_KINDS[kind], required=call.keywords.get("required") is True,
            default=None,            choices=None, min=low, max=high, multiple=kind.startswith("multi_"), nargs=None,
            help=" ".join(text.split())[: options.MAX_HELP] if isinstance(text, str) else "", unit=None, role="value",
            position=self._session.position(call.module, call.node),
        )  # fmt: skip
        self._shape(found, kind, call, default)
        if len(self.parameters) < MAX_PARAMETERS and all(one.name != name for one in self.parameters):
            self.parameters.append(found)
        return UNKNOWN

    def _shape(self, found: Parameter, kind: str, call: Call, default: Any) -> None:
        if "enum" in kind:
            offered = call.argument(2, "enum_class" if kind == "enum_class" else "enum_values", UNKNOWN)
            if isinstance(offered, Class):
                found.choices = [name.lower() for name in offered.members()] if enum_values(offered) else None
            else:
                found.choices = options.choices_of(offered)
            found.type = "choice" if found.choices else "string"
        if kind in {"list", "spaceseplist"}:
            joiner = "," if kind == "list" else " "
            default = joiner.join(str(one) for one in default) if isinstance(default, (list, tuple)) else default
            self._session.warn(call.module, call.node, f"{found.name}: the list is given as one text",
                               f"write {'commas' if kind == 'list' else 'spaces'} between its items")  # fmt: skip
        if default is not None and kind != "enum_class":
            required = found.required
            options.set_default(self._session, call, found, default)
            found.required = required
        elif default is not None and hasattr(default, "attributes"):
            found.default = str(default.attributes.get("name", "")).lower() or None
        if found.type == "boolean":
            found.negated_flag = f"--no{found.name}"
        if found.type in {"integer", "float"}:
            found.unit = units.of(found.help)
        if not found.multiple:
            found.role = role_of(found.name, found.type)

    def require(self, names: Any) -> None:
        """`mark_flag_as_required`."""
        wanted = [names] if isinstance(names, str) else names if isinstance(names, (list, tuple)) else []
        for one in self.parameters:
            if one.name in wanted:
                one.required = True

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        if not self.parameters:
            return None
        return Described("absl", self._call.node, self._call.module, parameters=list(self.parameters))


def _flags(session: Session, call: Call) -> Flags:
    found = next((one for one in session.programs if isinstance(one, Flags)), None)
    if found is None:
        found = Flags(session, call)
        session.add(found)
    return found


def _define(kind: str) -> Any:
    return lambda session, call: _flags(session, call).define(kind, call)


def _require(session: Session, call: Call) -> Any:
    _flags(session, call).require(call.arguments[0] if call.arguments else None)
    return None


def _run(session: Session, call: Call) -> Any:
    session.import_all(call.module)
    found = next((one for one in session.programs if isinstance(one, Flags)), None)
    if found is not None:
        session.start(found)
    return UNKNOWN


for _prefix in _PREFIXES:
    for _kind in _KINDS:
        CALLS[f"{_prefix}.DEFINE_{_kind}"] = _define(_kind)
    CALLS[f"{_prefix}.mark_flag_as_required"] = CALLS[f"{_prefix}.mark_flags_as_required"] = _require
for _name in ("absl.app.run", "tensorflow.app.run", "tensorflow.compat.v1.app.run"):
    CALLS[_name] = _run
