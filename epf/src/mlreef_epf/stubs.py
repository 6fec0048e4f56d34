"""Stand-ins for packages that an environment holds, so that a resolver finds them where no index has them.

What an environment was built from (a CPU build of a framework, a wheel of the operator's own) need not be on the index
that a publication resolves against. A stand-in is a wheel with the true metadata of the package and nothing else; the
resolver reads it, and the package is never installed from it because the environment has it.
"""

from __future__ import annotations

import os
import re
import zipfile
from typing import Sequence

from mlreef_epf import installed

_TAG = "py3-none-any"


def write(held: Sequence[str], python_path: Sequence[str], directory: str) -> str:
    """Write stand-ins for what is held and present here; returns the directory, or "" when there is none to write."""
    files = installed.metadata_files(python_path)
    written = 0
    for pin in held:
        name, _, version = pin.partition("==")
        path = files.get(installed.canonical_name(name))
        if path is not None:
            os.makedirs(directory, exist_ok=True)
            with open(path, "rb") as handle:
                _write(directory, name, version, handle.read())
            written += 1
    return directory if written else ""


def _write(directory: str, name: str, version: str, metadata: bytes) -> None:
    stem = "%s-%s" % (re.sub(r"[-_.]+", "_", name), version.replace("-", "_"))
    info = stem + ".dist-info"
    wheel = "Wheel-Version: 1.0\nGenerator: mlreef-epf\nRoot-Is-Purelib: true\nTag: %s\n" % _TAG
    with zipfile.ZipFile(os.path.join(directory, "%s-%s.whl" % (stem, _TAG)), "w") as archive:
        archive.writestr(info + "/METADATA", metadata)
        archive.writestr(info + "/WHEEL", wheel)
        archive.writestr(info + "/RECORD", "")
