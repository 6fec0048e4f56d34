"""The process in which sources of strangers are parsed: limited in memory, without environment, made to be killed.

Speaks frames over its standard streams: 4 bytes of length and JSON; a request is followed by the bytes it announces.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import threading
from typing import IO, Any

from mlreef.extraction import service

MEMORY = 1 << 30
READY = b"r"


def limit() -> None:
    """Take from this process what it does not need."""
    for kind, amount in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(kind)[1]
            wanted = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
            resource.setrlimit(kind, (wanted, wanted))


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Say that all is ready, and answer requests until there are no more."""
    answers.write(READY)
    answers.flush()
    while True:
        size = requests.read(4)
        if len(size) < 4:
            return
        request = json.loads(requests.read(int.from_bytes(size, "big")))
        contents = {path: requests.read(length) for path, length in request["files"]}
        answer = json.dumps(_answer(request, contents)).encode()
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()


def _answer(request: dict[str, Any], contents: dict[str, bytes]) -> dict[str, Any]:
    file = request["file"]
    found = service.extract(contents[file], file, sources=contents.get, subcommand=request["subcommand"])
    return found.to_json()


def main() -> None:
    """Serve in a thread with a stack of the size that the command line names."""
    limit()
    threading.stack_size(int(sys.argv[1]))
    thread = threading.Thread(target=serve, args=(sys.stdin.buffer, sys.stdout.buffer))
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
