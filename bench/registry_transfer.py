"""Pushing and pulling images: our registry against the stock distribution registry, same disk, same tokens.

One gigabyte in ten layers and 2,000 blobs of 4 KiB, over plain HTTP with keep-alive (a client that costs nearly
nothing: `sendfile` out, one large buffer in) and by skopeo. Rounds alternate; both take tokens signed by the same key.
`python bench/registry_transfer.py [--rounds 3] [--megabytes 1000] [--blobs 2000] [--threads 4] [--only large,small]`
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import measure
import psutil

from registry import world
from support import ports, stock_registry

LAYERS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--blobs", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--only", default="large,small,skopeo,manifest")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlreef-bench-")))
        forge = stack.enter_context(tokens())
        certificate = folder / "certificate.pem"
        certificate.write_bytes(world.SIGNER.pem)
        stock = stock_registry.server(folder, realm=f"{forge}/jwt/auth", certificate=certificate)
        sides = {"mlreef": Side(stack.enter_context(ours(folder, forge))), "stock": Side(stack.enter_context(stock))}
        for name, run in {"large": large, "small": small, "manifest": manifests, "skopeo": skopeo}.items():
            if name in options.only:
                run(sides, folder, options)


@dataclass
class Side:
    """One registry."""

    url: str
    round: int = 0
    server: psutil.Process = field(init=False)

    def __post_init__(self) -> None:
        port = urlsplit(self.url).port
        children = psutil.Process().children()
        self.server = next(
            one for one in children if any(held.laddr.port == port for held in one.net_connections("tcp"))
        )

    def processor(self) -> float:
        """Seconds of processor time that the server has taken."""
        times = self.server.cpu_times()
        return float(times.user + times.system)

    def connection(self) -> http.client.HTTPConnection:
        made = http.client.HTTPConnection(urlsplit(self.url).netloc, blocksize=1 << 20)
        made.connect()
        made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


class Found:
    """What was measured: seconds on the clock, and of the servers' processor time, which other work disturbs less."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}

    def add(self, name: str, side: Side, action: Callable[[], None]) -> None:
        before = side.processor()
        self.seconds.setdefault(name, []).append(measure.timed(action))
        self.processor.setdefault(name, []).append(side.processor() - before)

    def show(self, title: str) -> None:
        measure.show(title, self.seconds, against="stock")
        measure.show(f"{title}: processor time of the server", self.processor, against="stock")


def large(sides: dict[str, Side], folder: Path, options: argparse.Namespace) -> None:
    """Ten layers, one connection; every round has other bytes."""
    files: list[tuple[Path, str]] = []

    def push(side: Side) -> Callable[[], None]:
        def action() -> None:
            connection = side.connection()
            for path, digest in files:
                with path.open("rb") as file:
                    put(connection, digest, file, path.stat().st_size)

        return action

    def pull(side: Side) -> Callable[[], None]:
        def action() -> None:
            connection, buffer = side.connection(), memoryview(bytearray(1 << 20))
            for path, digest in files:
                connection.request("GET", f"/v2/{world.NAME}/blobs/{digest}", headers=HEADERS)
                answer, size = connection.getresponse(), 0
                while count := answer.readinto(buffer):
                    size += count
                assert size == path.stat().st_size, (answer.status, size)

        return action

    found = {"push": Found(), "pull": Found()}
    for _ in range(options.rounds):
        files[:] = [layer(folder, number, options.megabytes // LAYERS) for number in range(LAYERS)]
        for what, actions in {"push": push, "pull": pull}.items():
            for name, side in sides.items():
                found[what].add(name, side, actions(side))
    for what, one in found.items():
        one.show(f"{what} {options.megabytes} MB in {LAYERS} layers, one connection")


def small(sides: dict[str, Side], _folder: Path, options: argparse.Namespace) -> None:
    """Many small blobs by several connections."""
    blobs: list[tuple[bytes, str]] = []

    def each(side: Side, one: Callable[[http.client.HTTPConnection, bytes, str], None]) -> Callable[[], None]:
        def work(number: int) -> None:
            connection = side.connection()
            for data, digest in blobs[number :: options.threads]:
                one(connection, data, digest)

        def action() -> None:
            with ThreadPoolExecutor(options.threads) as pool:
                list(pool.map(work, range(options.threads)))

        return action

    def push(connection: http.client.HTTPConnection, data: bytes, digest: str) -> None:
        put(connection, digest, data, len(data))

    def pull(connection: http.client.HTTPConnection, data: bytes, digest: str) -> None:
        connection.request("GET", f"/v2/{world.NAME}/blobs/{digest}", headers=HEADERS)
        assert connection.getresponse().read() == data

    found = {"push": Found(), "pull": Found()}
    for _ in range(options.rounds):
        blobs[:] = [(data, world.digest_of(data)) for data in (os.urandom(4096) for _ in range(options.blobs))]
        for what, one in {"push": push, "pull": pull}.items():
            for name, side in sides.items():
                found[what].add(name, side, each(side, one))
    for what, shown in found.items():
        shown.show(f"{what} {options.blobs} blobs of 4 KiB, {options.threads} connections")


def manifests(sides: dict[str, Side], _folder: Path, options: argparse.Namespace) -> None:
    """The same manifest again and again: what every job of a runner asks."""
    body = world.manifest_of(config=b"{}")
    for side in sides.values():
        connection = side.connection()
        put(connection, world.digest_of(b"{}"), b"{}", 2)
        headers = {**HEADERS, "content-type": world.MANIFEST}
        connection.request("PUT", f"/v2/{world.NAME}/manifests/1", body, headers)
        assert connection.getresponse().read() == b""

    def get(side: Side) -> Callable[[], None]:
        def action() -> None:
            connection = side.connection()
            for _ in range(1000):
                connection.request("GET", f"/v2/{world.NAME}/manifests/1", headers={**HEADERS, **world.ACCEPT})
                assert connection.getresponse().read() == body

        return action

    found = Found()
    for _ in range(options.rounds):
        for name, side in sides.items():
            found.add(name, side, get(side))
    found.show("get a manifest 1,000 times, one connection")


def skopeo(sides: dict[str, Side], folder: Path, options: argparse.Namespace) -> None:
    """An image of the same size by skopeo, which takes a token for every request that needs one."""
    place = folder / "image"
    image(place, options.megabytes // LAYERS)

    def copy(side: Side, *, out: bool) -> Callable[[], None]:
        def action() -> None:
            shutil.rmtree(folder / "copy", ignore_errors=True)
            side.round += not out
            remote = f"docker://{urlsplit(side.url).netloc}/group/project/image{side.round}:1"
            ends = [remote, f"dir:{folder}/copy"] if out else [f"dir:{place}", remote]
            tls = "--src-tls-verify=false" if out else "--dest-tls-verify=false"
            command = ["skopeo", "--insecure-policy", "copy", "--quiet", tls, *ends]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        return action

    for out in (False, True):
        found = Found()
        for _ in range(options.rounds):
            if not out:
                image(place, options.megabytes // LAYERS)  # other bytes: nothing is there already
            for name, side in sides.items():
                found.add(name, side, copy(side, out=out))
        found.show(f"skopeo {'pull' if out else 'push'} {options.megabytes} MB")


def put(connection: http.client.HTTPConnection, digest: str, body: object, size: int) -> None:
    """POST and PUT, as clients of the specification push."""
    connection.request("POST", f"/v2/{world.NAME}/blobs/uploads/", headers={**HEADERS, "content-length": "0"})
    answer = connection.getresponse()
    answer.read()
    where = urlsplit(world.with_query(answer.headers["location"], digest=digest))
    connection.putrequest("PUT", f"{where.path}?{where.query}")
    sent = {**HEADERS, "content-length": str(size), "content-type": "application/octet-stream"}
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.endheaders()
    if isinstance(body, bytes):
        connection.sock.sendall(body)
    else:
        connection.sock.sendfile(body)  # type: ignore[arg-type]
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 201, (answer.status, text)


def layer(folder: Path, number: int, megabytes: int) -> tuple[Path, str]:
    """A file of random bytes and its digest."""
    path, hasher = folder / f"layer{number}", hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(megabytes):
            block = os.urandom(1 << 20)
            hasher.update(block)
            file.write(block)
    return path, f"sha256:{hasher.hexdigest()}"


def image(place: Path, megabytes: int) -> None:
    """An image in skopeo's `dir:` layout; layers look compressed, so that skopeo leaves them as they are."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "version").write_text("Directory Transport Version: 1.1\n")
    layers = []
    for number in range(LAYERS):
        path, digest = layer(place, number, megabytes)
        path.rename(place / digest.removeprefix("sha256:"))
        size = megabytes << 20
        layers.append({"mediaType": world.LAYER, "digest": digest, "size": size})
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    (place / world.digest_of(config).removeprefix("sha256:")).write_bytes(config)
    document = {"schemaVersion": 2, "mediaType": world.MANIFEST, "config": world.descriptor(config, world.CONFIG)}
    (place / "manifest.json").write_text(json.dumps({**document, "layers": layers}))


HEADERS = world.bearer(world.access(world.NAME))


class _Tokens(BaseHTTPRequestHandler):
    """In the forge's place: its public keys, and a token for whatever is asked."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        answer = world.SIGNER.jwks
        if parts.path == "/jwt/auth":
            scopes = [one.partition("=")[2].split("%3A") for one in parts.query.split("&") if one.startswith("scope=")]
            names = [one[1].replace("%2F", "/") for one in scopes if len(one) > 1]
            answer = {"token": world.SIGNER.token(*(world.access(name) for name in names))}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@contextmanager
def tokens() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tokens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def ours(folder: Path, forge: str) -> Iterator[str]:
    port = ports.free()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "DATABASE_URL": f"sqlite:///{folder}/registry.db",
        "OBJECTS_URL": f"file://{folder}/ours",
        "EXTERNAL_URL": url,
        "TOKEN_REALM": f"{forge}/jwt/auth",
        "JWKS_URL": f"{forge}/oauth/discovery/keys",
    }
    env = {**os.environ, **{f"MLREEF_REGISTRY_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "mlreef.cli", "serve", "registry", "--port", str(port)]
    with (folder / "ours.log").open("ab") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            ports.wait(lambda: ports.accepts(port), "our registry's start", seconds=30)
            yield url
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    main()
