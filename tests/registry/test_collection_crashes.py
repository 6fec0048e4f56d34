"""A garbage collection whose process is killed at any moment: nothing that is held breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mlreef.registry import collection, tables
from registry import dying_collection, world
from registry.world import INDEX, World, digest_of, index_of, manifest_of

pytestmark = pytest.mark.slow

SHARED, OWN, LOST, LOOSE = b"of both images", b"of the tagged one", b"of the untagged one", b"of no image"
KEPT = manifest_of(SHARED, OWN)
GONE = manifest_of(SHARED, LOST)


async def fill(folder: Path) -> None:
    """A tagged image; an index without a tag with an image of its own; a loose blob; an upload that was left."""
    async with world.ours(*dying_collection.place(str(folder))) as reg:
        assert await reg.client.push_image("1", SHARED, OWN) == KEPT
        assert await reg.client.push_image(None, SHARED, LOST) == GONE
        assert (await reg.client.put_manifest("old", index_of(GONE), INDEX)).status_code == 201
        assert (await reg.client.call("DELETE", "manifests/old")).status_code == 202
        await reg.client.push_blob(LOOSE)
        await reg.client.call("PATCH", await reg.client.upload(), content=b"left")
        await reg.client.of("other/place").push_image("1", LOST)


def collect(folder: Path, at: int) -> subprocess.CompletedProcess[str]:
    tests = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "registry.dying_collection", str(folder), str(at)]
    env = {**os.environ, "PYTHONPATH": str(tests)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


async def rows(reg: World, table: Any) -> list[Any]:
    async with reg.state.db.read() as tx:
        return list(await tx.all(select(table)))


async def check(reg: World) -> None:
    """No manifest lacks a part, no blob its bytes, and what namespaces hold is counted right."""
    held = {(row["repository_id"], row["digest"]) for row in await rows(reg, tables.blobs)}
    known = {(row["repository_id"], row["digest"]) for row in await rows(reg, tables.manifests)}
    for part in await rows(reg, tables.manifest_parts):
        assert (part["repository_id"], part["manifest"]) in known
        assert (part["repository_id"], part["digest"]) in (held if part["kind"] == "blob" else known)
    for row in await rows(reg, tables.tags):
        assert (row["repository_id"], row["digest"]) in known
    sizes = {}
    for row in await rows(reg, tables.blobs):
        assert await reg.state.objects.stat(row["digest"]) == row["size"]
        sizes[row["repository_id"], row["digest"]] = row["size"]
    used = {row["id"]: row["used"] for row in await rows(reg, tables.namespaces)}
    for row in await rows(reg, tables.repositories):  # one repository in each namespace
        assert used[row["namespace_id"]] == sum(size for key, size in sizes.items() if key[0] == row["id"])


async def test_a_collection_killed_at_any_moment_breaks_nothing(tmp_path: Path) -> None:
    at, finished = 1, False
    while not finished:
        folder = tmp_path / str(at)
        folder.mkdir()
        await fill(folder)
        done = collect(folder, at)
        finished = done.returncode == 0
        assert finished or done.returncode == -signal.SIGKILL, done.stderr
        async with world.ours(*dying_collection.place(str(folder)), gc_hours=0, upload_hours=0) as reg:
            await check(reg)
            assert await reg.client.exists(KEPT)
            assert await reg.client.has_blob(OWN)
            await collection.run(reg.state)
            await check(reg)
            assert not await reg.client.exists(GONE)
            left = {row["digest"] for row in await rows(reg, tables.objects)}
            assert left == {digest_of(data).partition(":")[2] for data in (b"{}", SHARED, OWN, LOST)}
            assert await reg.state.objects.stat(digest_of(LOOSE).partition(":")[2]) is None
        async with world.ours(*dying_collection.place(str(folder))) as reg:
            # What was removed, or half removed, comes again as if it had never been there.
            assert await reg.client.push_image("again", SHARED, LOST) == GONE
            assert await reg.client.has_blob(LOST)
            await check(reg)
        at += 1
    assert at > 10  # the last one outlived all steps
