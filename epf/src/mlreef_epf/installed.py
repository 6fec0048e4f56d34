"""What a directory of Python packages holds, read from their own metadata, and what the locks say they came from."""

from __future__ import annotations

import email.parser
import os
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional

_BLOCK = re.compile(r"^\[\[packages\]\]$", re.M)
_FIELD = re.compile(r'^(name|version) = "([^"]+)"$', re.M)
_HASH = re.compile(r'sha256 = "([0-9a-f]{64})"')
# Names that packages without a licence expression use for well-known licences, and their SPDX identifiers.
_KNOWN = {
    "MIT": "MIT", "MIT License": "MIT", "BSD-3-Clause": "BSD-3-Clause", "Apache-2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0", "Apache License 2.0": "Apache-2.0", "PSF-2.0": "PSF-2.0", "ISC": "ISC",
    "BSD 3-Clause": "BSD-3-Clause", "BSD-2-Clause": "BSD-2-Clause", "MPL-2.0": "MPL-2.0", "HPND": "HPND",
    "OSI Approved :: MIT License": "MIT", "OSI Approved :: Apache Software License": "Apache-2.0",
}  # fmt: skip


def components(directory: str, hashes: Mapping[str, str]) -> List[Dict[str, Any]]:
    """One component per package; `hashes` has the SHA-256 of the wheel of each name."""
    found = []
    for name in sorted(os.listdir(directory) if os.path.isdir(directory) else ()):
        if name.endswith(".dist-info"):
            row = _read(os.path.join(directory, name, "METADATA"))
            if row is not None:
                found.append(dict(row, **({"sha256": hashes[row["name"]]} if row["name"] in hashes else {})))
    return found


def metadata_files(directories: Iterable[str]) -> Dict[str, str]:
    """The metadata files of all packages in some directories, by canonical name."""
    found: Dict[str, str] = {}
    for directory in directories:
        for name in sorted(os.listdir(directory) if os.path.isdir(directory) else ()):
            if name.endswith(".dist-info"):
                path = os.path.join(directory, name, "METADATA")
                if os.path.isfile(path):
                    found.setdefault(canonical_name(name[: -len(".dist-info")].rpartition("-")[0]), path)
    return found


def wheel_hashes(pylock: str) -> Dict[str, str]:
    """The one wheel that each package of a lock for one platform (PEP 751) comes from, by canonical name."""
    found = {}
    for block in _BLOCK.split(pylock)[1:]:
        fields, listed = dict(_FIELD.findall(block)), set(_HASH.findall(block))
        if "name" in fields and len(listed) == 1:
            found[canonical_name(fields["name"])] = listed.pop()
    return found


def canonical_name(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            headers = email.parser.HeaderParser().parse(handle)
    except OSError:
        return None
    if not headers["Name"] or not headers["Version"]:
        return None
    row: Dict[str, Any] = {"kind": "pypi", "name": canonical_name(headers["Name"]), "version": headers["Version"]}
    row.update(_licence(headers))
    return row


def _licence(headers: Any) -> Dict[str, str]:
    expression = str(headers["License-Expression"] or "").strip()
    if expression:
        return {"licence": expression}
    told = str(headers["License"] or "").strip()
    named = [
        value[len("License :: ") :] for value in headers.get_all("Classifier") or () if value[:11] == "License :: "
    ]
    for text in (told, *named):
        if text in _KNOWN:
            return {"licence": _KNOWN[text]}
    short = told if told and "\n" not in told and len(told) <= 60 else (named[0].rpartition(":: ")[2] if named else "")
    return {"licence_name": short} if short else {}
