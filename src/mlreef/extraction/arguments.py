"""Parameter values: checked against what the processor declares, brought to one form per type, turned into arguments.

A value is never coerced from another type: what the author wrote is what the program gets, or an error says why not.
Defaults are not passed to the program, which has its own, but they are part of the effective values that a cache key is
made of, so that writing a default out changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 100_000
_WHOLE = 2**53

Argument = dict[str, Any]


class BadValue(ValueError):
    """A value that the parameter does not take; the message says what it takes."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a processor version declares about one of its parameters."""

    name: str
    type: str = "string"
    flag: str | None = None
    negated_flag: str | None = None
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] | None = None
    min: float | None = None
    max: float | None = None
    multiple: bool = False
    nargs: str | int | None = None
    role: str = "value"

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Parameter:
        """From the shape that extraction yields and publications record."""
        choices = document.get("choices")
        return cls(
            name=document["name"],
            type=document.get("type") or "string",
            flag=document.get("flag"),
            negated_flag=document.get("negated_flag"),
            required=bool(document.get("required")),
            default=document.get("default"),
            choices=tuple(choices) if choices is not None else None,
            min=document.get("min"),
            max=document.get("max"),
            multiple=bool(document.get("multiple")),
            nargs=document.get("nargs"),
            role=document.get("role") or "value",
        )

    @property
    def many(self) -> bool:
        """Whether a value is a list of items."""
        return self.type == "list" or self.multiple or self.nargs in {"+", "*"} or isinstance(self.nargs, int)


def check(parameter: Parameter, value: Any) -> Any:
    """The canonical form of `value`; raises BadValue."""
    if not parameter.many or (parameter.nargs == 1 and not isinstance(value, list)):
        return _check_one(parameter, value, parameter.type)
    if not isinstance(value, list):
        raise BadValue("must be a list")
    if isinstance(parameter.nargs, int) and not parameter.multiple and len(value) != parameter.nargs:
        raise BadValue(f"must hold exactly {parameter.nargs} items, not {len(value)}")
    if not value and (parameter.nargs == "+" or parameter.required):
        raise BadValue("must hold at least one item")
    if len(value) > 10_000:
        raise BadValue("holds more than 10,000 items")
    found = []
    for index, item in enumerate(value):
        try:
            found.append(_check_one(parameter, item, "scalar" if parameter.type == "list" else parameter.type))
        except BadValue as exc:
            raise BadValue(f"item {index + 1}: {exc}") from None
    return found


def _check_one(parameter: Parameter, value: Any, kind: str) -> Any:
    found = _CHECKS[kind if kind in _CHECKS else "string"](value)
    if parameter.choices is not None:
        found = _choice(parameter.choices, found)
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        if parameter.min is not None and found < parameter.min:
            raise BadValue(f"is {_short(found)}, less than the least allowed value {_short(parameter.min)}")
        if parameter.max is not None and found > parameter.max:
            raise BadValue(f"is {_short(found)}, more than the greatest allowed value {_short(parameter.max)}")
    return found


def _choice(choices: Sequence[Any], value: Any) -> Any:
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
        if _is_number(choice) and _is_number(value) and choice == value:
            return choice
    raise BadValue(f"must be one of {', '.join(str(choice) for choice in choices[:50])}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _WHOLE:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"must be a whole number, not {_kind(value)}")
    if abs(value) >= 2**1024:
        raise BadValue("is too large a number")
    return value


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadValue(f"must be a number, not {_kind(value)}")
    try:
        found = float(value)
    except OverflowError:
        raise BadValue("is too large a number") from None
    if not math.isfinite(found):
        raise BadValue("must be a finite number")
    return found


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValue(f"must be true or false, not {_kind(value)}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(f"must be text, not {_kind(value)}")
    if len(value) > MAX_TEXT:
        raise BadValue(f"is longer than {MAX_TEXT:,} characters; put it into a file of the project")
    if "\x00" in value:
        raise BadValue("holds a NUL character, which no program can receive as an argument")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise BadValue("holds a lone surrogate; write text as valid Unicode")
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _float(value)
    return _text(value)


def _dictionary(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadValue(f"must be an object, not {_kind(value)}")
    try:
        encoded = _encoded(value)
    except (ValueError, TypeError, RecursionError):
        raise BadValue("holds what JSON cannot carry (not a number, infinity, a date or broken text)") from None
    if len(encoded) > MAX_TEXT:
        raise BadValue(f"is larger than {MAX_TEXT:,} bytes; put it into a file of the project")
    return value


def _encoded(value: Any) -> bytes:
    """The canonical bytes of a JSON value: sorted keys, no spaces, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "path": _text,
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "choice": _scalar,
    "scalar": _scalar,
    "dictionary": _dictionary,
}


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "nothing" if value is None else f"a {type(value).__name__}")


def _short(value: float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE else str(value)


def as_text(value: Any) -> str:
    """One canonical value as the program receives it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _encoded(value).decode()
    return repr(value) if isinstance(value, float) else str(value)


def arguments(parameter: Parameter, value: Any) -> list[Argument]:
    """What goes on the program's command line for one given, canonical value."""
    named = parameter.flag is not None or parameter.negated_flag is not None
    if parameter.type == "boolean" and parameter.nargs is None and not parameter.many and named:
        flag = parameter.flag if value else parameter.negated_flag
        return [_argument(parameter, flag=flag)] if flag is not None else []
    if isinstance(value, list):
        texts = [as_text(item) for item in value]
        if parameter.multiple and parameter.flag is not None and parameter.nargs is None:
            return [_valued(parameter, text) for text in texts]
        return [{"name": parameter.name, "flag": parameter.flag, "values": texts}]
    return [_valued(parameter, as_text(value))]


def _valued(parameter: Parameter, text: str) -> Argument:
    flag = parameter.flag
    if flag and text.startswith("-"):
        # Option parsers take `--rate -1e-4` for two options; joined, there is nothing to guess.
        joiner = "" if len(flag) == 2 else "="
        return _argument(parameter, value=f"{flag}{joiner}{text}")
    return _argument(parameter, flag=flag, value=text)


def _argument(parameter: Parameter, *, flag: str | None = None, value: str | None = None) -> Argument:
    return {"name": parameter.name, "flag": flag, "value": value}
