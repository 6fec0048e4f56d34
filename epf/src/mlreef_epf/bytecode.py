"""Compiling a directory of modules so that the same modules give the same bytes.

What the marshal format says of an object depends on who else holds it in the compiling process, and so on what was
compiled before. Therefore nothing is left to chance here: sorted files, dealt to a fixed number of fresh interpreters
that see no user's settings, each working through its share in order. Checks are off (PEP 552, unchecked hashes): layers
carry no times, and jobs cannot write.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import List, Optional, Sequence

PROCESSES = 2
_PROGRAM = """
import py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for line in sys.stdin:
    path, place = line.rstrip("\\n").split("\\t")
    try:
        py_compile.compile(path, dfile=place, doraise=True, invalidation_mode=mode)
    except Exception:
        pass  # not for this Python: a template, a test of syntax errors
"""


def compile_directory(
    directory: str, place: str, python: Sequence[str] = (sys.executable,), seen: Optional[str] = None
) -> None:
    """Compile all modules of a directory that images show at `place`; the interpreter finds it at `seen`."""
    files = _modules(directory)
    env = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    running = []
    for number in range(PROCESSES):
        rows = ["%s\t%s\n" % (os.path.join(seen or directory, name), os.path.join(place, name)) for name in files]
        with tempfile.TemporaryFile() as share:
            share.write("".join(rows[number::PROCESSES]).encode("utf-8", "surrogateescape"))
            share.seek(0)
            argv = [*python, "-I", "-S", "-c", _PROGRAM]
            running.append(
                subprocess.Popen(argv, stdin=share, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
            )
    for process in running:
        process.wait()


def _modules(directory: str) -> List[str]:
    found = []
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name != "__pycache__"]
        inside = os.path.relpath(folder, directory)
        found += [os.path.normpath(os.path.join(inside, name)) for name in files if name.endswith(".py")]
    return sorted(name for name in found if "\t" not in name and "\n" not in name)
