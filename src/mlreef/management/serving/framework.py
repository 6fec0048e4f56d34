"""The executable pipeline framework (EPF) that jobs run: one file, known by its SHA-256."""

from __future__ import annotations

import hashlib
import runpy
from dataclasses import dataclass
from pathlib import Path

from mlreef.kit.errors import unavailable

_PACKAGED = Path(__file__).parent.parent / "epf.pyz"
_BUILDER = Path(__file__).parents[4] / "epf" / "build.py"


@dataclass(frozen=True, slots=True)
class Framework:
    """The file's bytes and digest; both empty when it is missing."""

    content: bytes
    sha256: str

    def required(self) -> Framework:
        """Itself; raises `unavailable` when there is none."""
        if not self.content:
            raise unavailable("the framework for jobs is missing: install a released wheel, or run from a checkout")
        return self


def load(path: Path | None) -> Framework:
    """The framework at `path`, or the one in the package; a checkout whose sources are newer builds it anew."""
    content = b""
    if path is not None:
        content = path.read_bytes()
    elif _BUILDER.is_file() and not _is_current():
        content = runpy.run_path(str(_BUILDER))["content"]()
    elif _PACKAGED.is_file():
        content = _PACKAGED.read_bytes()
    return Framework(content, hashlib.sha256(content).hexdigest() if content else "")


def _is_current() -> bool:
    """Whether nothing in the checkout's sources, folders included, has changed since the packaged file was built."""
    if not _PACKAGED.is_file():
        return False
    built, folder = _PACKAGED.stat().st_mtime, _BUILDER.parent
    sources = [folder / "environments", *(folder / "environments").iterdir(), *(folder / "src").rglob("*")]
    return all(one.stat().st_mtime < built for one in [_BUILDER, *sources] if "__pycache__" not in one.parts)
