"""A tiny TCP relay in front of the sandbox's proxy socket, for tools that know only HTTP_PROXY (uv, pip).

It listens on 127.0.0.1 inside the sandbox's own network namespace and copies bytes both ways.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Iterator


@contextlib.contextmanager
def listening(unix_socket: str) -> Iterator[str]:
    """Relay while the context lasts; yields the proxy's URL."""
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind(("127.0.0.1", 0))
    server.listen(64)
    thread = threading.Thread(target=_accept, args=(server, unix_socket), daemon=True)
    thread.start()
    try:
        yield "http://127.0.0.1:%d" % server.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(2)


def _accept(server: socket.socket, unix_socket: str) -> None:
    while True:
        try:
            near, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(near, unix_socket), daemon=True).start()


def _serve(near: socket.socket, unix_socket: str) -> None:
    with near, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as far:
        try:
            far.connect(unix_socket)
        except OSError:
            return
        back = threading.Thread(target=_copy, args=(far, near), daemon=True)
        back.start()
        _copy(near, far)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while True:
            data = source.recv(1 << 16)
            if not data:
                break
            target.sendall(data)
    except OSError:
        pass
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
