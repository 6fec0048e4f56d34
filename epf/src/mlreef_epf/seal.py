"""Keeps the job's tokens from the user's code, which runs under the same uid.

Three locks: the variables are unset, their bytes are overwritten where /proc/PID/environ would still show them,
and the process is made undumpable, which closes its /proc entries and ptrace. Best effort without ctypes.
"""

from __future__ import annotations

import os
from typing import Any, Iterable

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


def seal(names: Iterable[str]) -> bool:
    """Remove the named variables and close this process to others; True when every lock is in place."""
    wanted = [os.fsencode(name) for name in names]
    try:
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        _overwrite(ctypes, libc, wanted)
        locked = bool(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
        # Orphans of the processor become our children, so that they are measured and can be ended.
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, ValueError, AttributeError):
        locked = False
    for name in names:
        os.environ.pop(name, None)
    return locked


def _overwrite(ctypes: Any, libc: Any, wanted: Iterable[bytes]) -> None:
    entries = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, "environ")
    index = 0
    while entries and entries[index]:
        name, _, value = ctypes.string_at(entries[index]).partition(b"=")
        if name in wanted:
            ctypes.memset(entries[index] + len(name) + 1, 0, len(value))
        index += 1
