"""Names of libraries and builtins that mean something to extraction."""

from __future__ import annotations

import builtins
import math
from typing import Any

from mlreef.extraction.values import Ref

BUILTINS = frozenset(dir(builtins))

_CONSTANTS: dict[str, Any] = {
    "math.pi": math.pi,
    "math.e": math.e,
    "math.inf": math.inf,
    "numpy.pi": math.pi,
    "numpy.inf": math.inf,
    "sys.maxsize": 2**63 - 1,
    "os.sep": "/",
    "os.curdir": ".",
    "argparse.OPTIONAL": "?",
    "argparse.ZERO_OR_MORE": "*",
    "argparse.ONE_OR_MORE": "+",
    "argparse.REMAINDER": "...",
    "argparse.SUPPRESS": "==SUPPRESS==",
}


def known_constant(name: str) -> Any:
    """The constant of that name, or a reference to whatever it is."""
    return _CONSTANTS.get(name, Ref(name))
