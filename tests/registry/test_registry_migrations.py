"""A registry that was filled at an older version of its tables keeps everything, readable and continued."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Table, insert

from mlreef.kit import objects
from mlreef.kit.db import Database
from mlreef.kit.objects import ObjectStore
from mlreef.registry import collection, tables
from registry import world
from registry.world import (
    ACCEPT,
    CATALOG,
    INDEX,
    MANIFEST,
    SIGNATURE,
    Client,
    World,
    descriptor,
    digest_of,
    error,
    index_of,
    manifest_of,
    with_query,
)

pytestmark = pytest.mark.slow

CHAIN = "mlreef.registry.migrations"
OLD = datetime(2026, 1, 2, tzinfo=UTC)
SHARED, OWN, CONFIG, LOOSE = b"a layer of two images", b"another layer", b"{}", b"of an image without a tag"
FOREIGN = {
    "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "digest": digest_of(b"elsewhere"),
    "size": 9,
    "urls": ["https://example.org/layer"],
}
IMAGE = manifest_of(SHARED, OWN)
OTHER = json.dumps(json.loads(manifest_of(SHARED)) | {"layers": [descriptor(SHARED), FOREIGN]}).encode()
MANY = index_of(IMAGE)
SIGNED = manifest_of(subject=descriptor(IMAGE, MANIFEST), artifactType=SIGNATURE, annotations={"key": "ü"})
UNTAGGED = manifest_of(LOOSE)
OPEN, BEGUN = "a" * 49, "b" * 49
"""Sessions with the names that they had then."""


def hexadecimal(data: bytes) -> str:
    return digest_of(data).removeprefix("sha256:")


def blob(repository: int, data: bytes) -> dict[str, Any]:
    return {"repository_id": repository, "digest": hexadecimal(data), "size": len(data), "created_at": OLD}


def manifest(repository: int, body: bytes) -> dict[str, Any]:
    document = json.loads(body)
    subject = document.get("subject")
    return {
        "repository_id": repository,
        "digest": hexadecimal(body),
        "media_type": document["mediaType"],
        "body": body,
        "subject": subject and subject["digest"].removeprefix("sha256:"),
        "artifact_type": document.get("artifactType"),
        "annotations": document.get("annotations") or {},
        "created_at": OLD,
    }


def tag(repository: int, name: str, body: bytes) -> dict[str, Any]:
    return {"repository_id": repository, "name": name, "digest": hexadecimal(body), "updated_at": OLD}


BULK = [f"one of many {number}".encode() for number in range(700)]
ROWS: list[tuple[Table, list[dict[str, Any]]]] = [
    (
        tables.repositories,
        [{"name": name, "created_at": OLD} for name in ("group/a", "group/b", "solo/deep/er", "group/empty")],
    ),
    (
        tables.blobs,
        [
            *(blob(1, data) for data in (SHARED, OWN, CONFIG, LOOSE)),
            *(blob(2, data) for data in (SHARED, CONFIG)),
            *(blob(3, data) for data in (SHARED, OWN, CONFIG, *BULK)),
        ],
    ),
    (
        tables.manifests,
        [
            *(manifest(1, body) for body in (IMAGE, MANY, SIGNED, UNTAGGED)),
            manifest(2, OTHER),
            manifest(3, IMAGE),
            *(manifest(3, manifest_of(data)) for data in BULK),
        ],
    ),
    (
        tables.tags,
        [
            tag(1, "many", MANY),
            tag(1, "Latest", IMAGE),
            tag(2, "1", OTHER),
            *(tag(3, f"v{number}", manifest_of(data)) for number, data in enumerate(BULK)),
        ],
    ),
    (
        tables.uploads,
        [
            {"id": OPEN, "repository_id": 1, "created_at": datetime.now(UTC)},
            {"id": BEGUN, "repository_id": 1, "created_at": datetime.now(UTC)},
        ],
    ),
    (
        tables.upload_chunks,
        [{"upload_id": BEGUN, "position": 0, "digest": hexadecimal(b"be"), "size": 2}],
    ),
]


def to_version(connection: Connection, schema: str | None, revision: str) -> None:
    if schema is not None:
        connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    config = Config()
    config.set_main_option("script_location", str(importlib.resources.files(CHAIN)))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def fill(connection: Connection) -> None:
    for table, rows in ROWS:
        for row in rows:  # only the columns that there were then
            connection.execute(insert(table).values(**row))


async def put(store: ObjectStore, data: bytes) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield data

    await store.put(body())


@pytest.fixture(params=["0001", "0001, then 0002"])
async def reg(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Filled at the first version, brought to the newest at once or with a stop in between."""
    db = Database.open(database_url, migrations=CHAIN)
    async with db._writer.connect() as connection:
        await connection.run_sync(to_version, db.schema, "0001")
        await connection.run_sync(fill)
        if "then" in request.param:
            await connection.run_sync(to_version, db.schema, "0002")
        await connection.commit()
    await db.close()
    store = objects.from_url(f"file://{tmp_path}/objects")
    for data in (SHARED, OWN, CONFIG, LOOSE, b"be", *BULK):
        await put(store, data)
    async with world.ours(database_url, f"file://{tmp_path}/objects") as found:
        yield found


async def check(reg: World) -> None:
    """Everything that a tag leads to is readable."""
    first, second, third = (reg.client.of(name) for name in ("group/a", "group/b", "solo/deep/er"))
    held: list[tuple[Client, str, bytes]] = [
        (first, "many", MANY),
        (first, "Latest", IMAGE),
        (first, digest_of(SIGNED), SIGNED),
        (second, "1", OTHER),
        *((third, f"v{number}", manifest_of(BULK[number])) for number in (0, 350, 699)),
    ]
    for client, reference, body in held:
        answer = await client.call("GET", f"manifests/{reference}", headers=ACCEPT)
        assert answer.content == body
        assert answer.headers["content-type"] == json.loads(body)["mediaType"]
    for client, data in ((first, SHARED), (first, OWN), (second, SHARED), (third, CONFIG), (third, BULK[400])):
        assert await client.has_blob(data)


async def test_everything_is_readable(reg: World) -> None:
    await check(reg)
    assert (await reg.client.of("group/a").call("GET", "tags/list")).json()["tags"] == ["Latest", "many"]
    found = (await reg.client.of("group/a").call("GET", f"referrers/{digest_of(IMAGE)}")).json()["manifests"]
    assert [(one["digest"], one["artifactType"], one["annotations"]) for one in found] == [
        (digest_of(SIGNED), SIGNATURE, {"key": "ü"})
    ]
    administrator = reg.client.of("group/a", CATALOG)
    names = (await administrator.call("GET", "/v2/_catalog")).json()["repositories"]
    assert names == ["group/a", "group/b", "solo/deep/er"]


async def test_what_namespaces_hold_is_counted(reg: World) -> None:
    listed = (await reg.client.of("group/a", CATALOG).call("GET", "/v2/_mlreef/namespaces")).json()["namespaces"]
    used = {one["name"]: one["used_bytes"] for one in listed}
    group = sum(map(len, (SHARED, OWN, CONFIG, LOOSE)))
    assert used == {"group": group, "solo": sum(map(len, (SHARED, OWN, CONFIG, *BULK)))}


async def test_uploads_go_on_where_they_were(reg: World) -> None:
    client = reg.client.of("group/a")
    octets = {"content-type": "application/octet-stream"}
    where = f"/v2/group/a/blobs/uploads/{BEGUN}"
    assert (await client.call("GET", where)).headers["range"] == "0-1"
    finish = with_query(where, digest=digest_of(b"begun"))
    assert (await client.call("PUT", finish, content=b"gun", headers=octets)).status_code == 201
    fresh = with_query(f"/v2/group/a/blobs/uploads/{OPEN}", digest=digest_of(b"fresh"))
    assert (await client.call("PUT", fresh, content=b"fresh", headers=octets)).status_code == 201
    assert error(await client.call("PUT", fresh, content=b"fresh", headers=octets)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert await client.has_blob(b"begun")


async def test_garbage_goes_and_everything_else_stays(reg: World) -> None:
    report = await collection.run(reg.state)
    assert (report.manifests, report.blobs) == (2, 3)  # without a tag: UNTAGGED, and IMAGE in solo/deep/er
    await check_without_own(reg)
    again = await collection.run(reg.state)
    assert (again.manifests, again.blobs) == (0, 0)


async def check_without_own(reg: World) -> None:
    assert not await reg.client.of("group/a").has_blob(LOOSE)
    assert not await reg.client.of("solo/deep/er").has_blob(OWN)
    await check(reg)


async def test_published_images_stay_pinned_and_new_ones_are_pushed(reg: World) -> None:
    client = reg.client.of("group/a")
    assert error(await client.call("DELETE", f"manifests/{digest_of(IMAGE)}")) == (403, "DENIED")
    await client.push_image("new", SHARED, b"new")
    answer = await client.put_manifest("index", index_of(IMAGE, MANY), INDEX)
    assert answer.status_code == 201
    await check(reg)
