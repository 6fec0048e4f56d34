"""Publication by `git push` of a tag, through the embedded forge, its webhook and a real build."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import ports
from support.live import PROCESSORS, Live

pytestmark = pytest.mark.slow

DESCRIBED = "name: tagged\nkind: operation\ntitle: Tagged\nentry: copy.py\nenvironment: python-3.11\n"


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def versions(live: Live) -> dict[str, Any]:
    return {one["version"]: one for one in live.reef.processor("lab/tagged/tagged")["versions"]}


def test_plain_and_annotated_tags_publish_once_each(live_server: Live, tmp_path: Path) -> None:
    live_server.project("tagged", {"copy.py": (PROCESSORS / "copy.py").read_text(), "processor.yaml": DESCRIBED})
    begun = live_server.reef.publish("lab/tagged", ref="main", entry="processor.yaml", version="1.0.0")
    assert live_server.reef.wait_publication(begun["id"])["status"] == "succeeded"
    folder = tmp_path / "tagged"
    url = f"http://oauth2:{live_server.token}@127.0.0.1:{live_server.port}/lab/tagged.git"
    subprocess.run(["git", "clone", "-q", url, str(folder)], check=True)
    git(folder, "tag", "not-a-version")
    git(folder, "tag", "v1.2.0")
    git(folder, "tag", "-a", "v1.3.0", "-m", "Annotated")
    git(folder, "push", "-q", "origin", "--tags")
    ports.wait(lambda: {"1.2.0", "1.3.0"} <= versions(live_server).keys(), "both versions", seconds=90)
    git(folder, "push", "-q", "origin", "--tags")
    assert set(versions(live_server)) == {"1.0.0", "1.2.0", "1.3.0"}
