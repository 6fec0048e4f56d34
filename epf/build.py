"""Builds epf.pyz, the zipapp the management service hands to jobs: the same source gives the same bytes.

Entries are sorted, dated 1980 and stored without compression, whose output differs between zlib versions.
"""  # noqa: INP001 - a script beside the distribution, not a package

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_SHEBANG = b"#!/usr/bin/env python3\n"
_MAIN = "import sys\n\nfrom mlreef_epf import cli\n\nsys.exit(cli.main(sys.argv[1:]))\n"


def content() -> bytes:
    """The bytes of the zipapp."""
    members = {"__main__.py": _MAIN.encode()}
    for path in sorted((_HERE / "src" / "mlreef_epf").rglob("*.py")):
        members[path.relative_to(_HERE / "src").as_posix()] = path.read_bytes()
    for path in sorted((_HERE / "environments").glob("*.json")):
        members["mlreef_epf/environments/" + path.name] = path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, members[name])
    return _SHEBANG + buffer.getvalue()


def build(target: Path) -> str:
    """Write the zipapp and return its SHA-256."""
    data = content()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(0o755)
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "epf.pyz")))
