"""Units of measure out of help texts, only where they are unambiguous: `in pixels`, `(seconds)`, `[ms]`."""

from __future__ import annotations

import re

_WORDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "seconds"),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), "milliseconds"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("h", "hour", "hours"), "hours"),
    **dict.fromkeys(("day", "days"), "days"),
    **dict.fromkeys(("px", "pixel", "pixels"), "pixels"),
    **dict.fromkeys(("deg", "degree", "degrees"), "degrees"),
    **dict.fromkeys(("rad", "radian", "radians"), "radians"),
    **dict.fromkeys(("%", "percent", "percentage"), "percent"),
    **dict.fromkeys(("hz", "hertz"), "Hz"),
    **dict.fromkeys(("khz",), "kHz"),
    **dict.fromkeys(("db", "decibel", "decibels"), "dB"),
    **dict.fromkeys(("byte", "bytes"), "bytes"),
    **dict.fromkeys(("kb", "kib"), "KiB"),
    **dict.fromkeys(("mb", "mib", "megabytes"), "MiB"),
    **dict.fromkeys(("gb", "gib", "gigabytes"), "GiB"),
    **dict.fromkeys(("mm", "millimetres", "millimeters"), "mm"),
    **dict.fromkeys(("cm", "centimetres", "centimeters"), "cm"),
    **dict.fromkeys(("m", "metres", "meters"), "m"),
    **dict.fromkeys(("km", "kilometres", "kilometers"), "km"),
    **dict.fromkeys(("kg", "kilograms"), "kg"),
    **dict.fromkeys(("epochs", "steps", "iterations", "samples", "tokens", "characters", "words", "frames"), ""),
}
_SHORT = {"s", "h", "m", "min", "mb", "kb", "gb", "rad", "sec", "%"}
"""Too short to mean a unit without brackets."""

_SPELLED = re.compile(r"\bin (?:units of )?([A-Za-z]+)\b(?! (?:of|to|and|or|per)\b)", re.IGNORECASE)
_BRACKETED = re.compile(r"[(\[](?:in )?([A-Za-z]+|%)[)\]]")


def of(help_text: str) -> str | None:
    """The one unit that a help text names, or None."""
    found: set[str] = set()
    for match in _BRACKETED.finditer(help_text):
        found.add(_WORDS.get(match[1].lower(), ""))
    for match in _SPELLED.finditer(help_text):
        word = match[1].lower()
        if word not in _SHORT:
            found.add(_WORDS.get(word, ""))
    found.discard("")
    return found.pop() if len(found) == 1 else None
