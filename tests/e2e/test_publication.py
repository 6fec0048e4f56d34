"""Publishing: what is refused, and that nothing of a refused publication remains."""

from __future__ import annotations

import pytest

from mlreef.sdk import ApiError
from support.live import Live

pytestmark = pytest.mark.slow

BAD = {
    "syntax": ("import argparse\ndef broken(:\n    pass\n", 2),
    "nothing": ("print('no parameters here')\n", 1),
    "unsupported": (
        "import argparse as a\np = a.ArgumentParser()\np.add_argument('--f', type=a.FileType())\np.parse_args()\n",
        3,
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_script_that_cannot_be_read_is_refused_with_its_line(live_server: Live, fault: str) -> None:
    source, line = BAD[fault]
    project = live_server.project(f"bad-{fault}", {"main.py": source})
    found = live_server.reef.inspect(project.id, "main", "main.py")
    assert [error["line"] for error in found["errors"]][:1] == [line]
    assert all(error["remedy"] for error in found["errors"])
    fields = {"name": fault, "kind": "operation", "environment": "python-3.11"}
    with pytest.raises(ApiError):
        live_server.reef.publish(project.id, ref="main", entry="main.py", **fields)
    assert not [p for p in live_server.reef.processors() if p["project_id"] == project.id]
    assert not project.pipelines.list(get_all=True)


def test_a_version_is_immutable_and_the_next_one_follows(live_server: Live) -> None:
    found = next(p for p in live_server.reef.processors(search="copy") if p["slug"] == "lab/code-copy/copy")
    version = found["latest"]
    fields = {"ref": "main", "entry": "copy.py", "name": "copy", "kind": "operation", "environment": "python-3.11"}
    with pytest.raises(ApiError):
        live_server.reef.publish(found["project_id"], version=version["version"], **fields)
    done = live_server.reef.wait_publication(live_server.reef.publish(found["project_id"], **fields)["id"])
    assert done["status"] == "succeeded"
    assert done["version"] != version["version"]
    kept = next(v for v in live_server.reef.processor(found["id"])["versions"] if v["version"] == version["version"])
    assert kept["digest"] == version["digest"]
