"""Builds epf.pyz, the zipapp the management service hands to jobs: the same source gives the same bytes.

Entries are sorted, dated 1980 and stored without compression, whose output differs between zlib versions. Beside each
module lies its bytecode for the Python that builds: a job whose Python is of the same version starts in half the time,
any other reads the source.
"""  # noqa: INP001 - a script beside the distribution, not a package

from __future__ import annotations

import hashlib
import io
import marshal
import sys
import zipfile
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_SHEBANG = b"#!/usr/bin/env python3\n"
_MAIN = "from mlreef_epf import __main__\n\n__main__.main()\n"


def content() -> bytes:
    """The bytes of the zipapp."""
    members = {"__main__.py": _MAIN.encode()}
    for path in sorted((_HERE / "src" / "mlreef_epf").rglob("*.py")):
        name = path.relative_to(_HERE / "src").as_posix()
        members[name] = path.read_bytes()
        members[name + "c"] = _bytecode(members[name], name)
    for path in sorted((_HERE / "environments").glob("*.json")):
        members["mlreef_epf/environments/" + path.name] = path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, members[name])
    return _SHEBANG + buffer.getvalue()


def _bytecode(source: bytes, name: str) -> bytes:
    """A .pyc that is never compared with its source (PEP 552, unchecked hash)."""
    code = compile(source, name, "exec", dont_inherit=True)
    # Loaded once more, references within the code no longer depend on what else this process holds.
    packed = marshal.dumps(marshal.loads(marshal.dumps(code)))  # noqa: S302 - our own, from one line above
    return MAGIC_NUMBER + (1).to_bytes(4, "little") + source_hash(source) + packed


def build(target: Path) -> str:
    """Write the zipapp and return its SHA-256."""
    data = content()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(0o755)
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "epf.pyz")))
