"""The main job again, with every service a process of its own, on PostgreSQL and S3, with two runners."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.test_main_job import *  # noqa: F403 - the very same tests, on another deployment
from support.live import Live
from support.split import Split, log_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def live_server(tmp_path_factory: pytest.TempPathFactory, postgres_server: str, s3_server: str) -> Iterator[Live]:
    server = Split(tmp_path_factory.mktemp("split"), postgres=postgres_server, s3=s3_server)
    try:
        server.start()
        server.people()
        server.seed()
        yield server
    except BaseException:
        print(log_of(server.folder))
        raise
    finally:
        server.stop()
