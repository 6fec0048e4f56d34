"""A processor is published to the stock distribution registry and run from it, in place of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ports, stock_registry
from support.live import Live, definition, step

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder, port = tmp_path_factory.mktemp("stock"), ports.free()
    url = f"http://127.0.0.1:{port}"
    named = {f"MLREEF_{service}_REGISTRY_URL": url for service in ("FORGE", "MANAGEMENT")}
    before = {name: os.environ.get(name) for name in named}
    os.environ.update(named)
    server = Live(folder / "live")
    try:
        server.start()
        certificate = server.folder / "data/keys/signing-certificate.pem"
        realm = f"{server.url}/jwt/auth"
        with stock_registry.server(folder, realm=realm, certificate=certificate, port=port):
            server.people()
            server.seed()
            yield server
    finally:
        server.stop()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def test_a_processor_in_the_stock_registry_is_published_and_run(live: Live) -> None:
    found = next(one for one in live.reef.processors(search="copy") if one["name"] == "copy")
    assert not found["latest"]["image"].startswith(f"127.0.0.1:{live.port}/")
    run = live.reef.start_run("lab/data", definition("from-stock", "dataops", step("copy", "copy")))
    done = live.reef.wait_run(run["id"])
    assert done["status"] == "success", done
    assert list(Path(live.folder.parent / "stock/docker/registry/v2/repositories/lab/code-copy/copy").iterdir())
