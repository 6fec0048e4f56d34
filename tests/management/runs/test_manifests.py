"""Tree manifests come from inside jobs: nothing in them is believed."""

from __future__ import annotations

import hashlib
import json

import pytest

from mlreef.kit.errors import PlatformError
from mlreef.management.runs import manifests

OID = "a" * 64


def entry(path="a.txt", **changes):
    return {"path": path, "size": 1, "oid": OID, "mode": "100644", **changes}


def body(*entries, version=1):
    return json.dumps({"version": version, "entries": list(entries)}).encode()


def test_the_digest_is_that_of_the_canonical_form():
    checked = manifests.check(body(entry("a.txt"), entry("ä/b.txt", size=2)))
    document = {"version": 1, "entries": [entry("a.txt"), entry("ä/b.txt", size=2)]}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert (checked.digest, checked.files, checked.size) == (hashlib.sha256(canonical).hexdigest(), 2, 3)
    assert [one.path for one in manifests.entries_of(checked.content)] == ["a.txt", "ä/b.txt"]


@pytest.mark.parametrize(
    "entries",
    [
        [entry("../a")],
        [entry("/a")],
        [entry("a//b")],
        [entry("a/./b")],
        [entry(".git/config")],
        [entry("x/.GIT/config")],
        [entry(".gitattributes")],
        [entry("a\\b")],
        [entry("a\x00")],
        [entry("")],
        [entry("a"), entry("a")],
        [entry("b"), entry("a")],
        [entry("a"), entry("a/b")],
        [entry(size=-1)],
        [entry(size=1.5)],
        [entry(oid="A" * 64)],
        [entry(mode="120000")],
    ],
)
def test_what_could_leave_the_tree_or_mean_something_to_git_is_refused(entries):
    with pytest.raises(PlatformError):
        manifests.check(body(*entries))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"version":2,"entries":[]}'])
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(PlatformError):
        manifests.check(content)
