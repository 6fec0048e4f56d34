"""Conformance workflow "content discovery" (distribution specification 1.1): end-8, end-12."""

from __future__ import annotations

import json

import pytest

from registry.world import (
    EMPTY,
    INDEX,
    MANIFEST,
    Client,
    descriptor,
    digest_of,
    error,
    index_of,
    manifest_of,
)


async def refer(client: Client, subject: bytes, kind: str | None = "application/x-signature", **more: str) -> bytes:
    """Push an artifact about `subject`; its manifest."""
    await client.push_blob(b"{}")
    options = {"artifactType": kind} if kind else {}
    config = EMPTY if kind else "application/x-config"
    body = manifest_of(config_type=config, subject=descriptor(subject, MANIFEST), annotations=more, **options)
    answer = await client.put_manifest(digest_of(body), body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["oci-subject"] == digest_of(subject)
    return body


async def listed(client: Client, subject: bytes, **query: str) -> list[str]:
    answer = await client.call("GET", f"referrers/{digest_of(subject)}", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, INDEX)
    return [one["digest"] for one in answer.json()["manifests"]]


async def test_end_8a_tags_in_lexical_order(client: Client) -> None:
    for tag in ("c", "a", "B", "b"):
        await client.push_image(tag)
    answer = await client.call("GET", "tags/list")
    assert answer.json() == {"name": client.name, "tags": ["B", "a", "b", "c"]}


async def test_end_8a_tags_of_an_unknown_repository(client: Client) -> None:
    assert error(await client.of("group/nowhere").call("GET", "tags/list")) == (404, "NAME_UNKNOWN")


async def test_end_8b_tags_are_paged(client: Client, is_stock: bool) -> None:
    if is_stock:
        pytest.skip("the stock registry 2.8 ignores `n`")
    for tag in ("c", "a", "b"):
        await client.push_image(tag)
    first = await client.call("GET", "tags/list", params={"n": "2"})
    assert first.json()["tags"] == ["a", "b"]
    rest = await client.call("GET", first.links["next"]["url"])
    assert rest.json()["tags"] == ["c"]
    assert "link" not in rest.headers
    none = await client.call("GET", "tags/list", params={"n": "0"})
    assert none.json()["tags"] == []
    behind = await client.call("GET", "tags/list", params={"last": "b"})
    assert behind.json()["tags"] == ["c"]


async def test_the_referrers_tag_is_kept_for_clients_that_use_it(client: Client) -> None:
    image = await client.push_image("1")
    await client.push_blob(b"{}")
    note = manifest_of(config_type=EMPTY, artifactType="application/x-note", subject=descriptor(image, MANIFEST))
    assert (await client.put_manifest(digest_of(note), note)).status_code == 201
    fallback, body = digest_of(image).replace(":", "-"), index_of(note)
    assert (await client.put_manifest(fallback, body, INDEX)).status_code == 201
    got = await client.call("GET", f"manifests/{fallback}", headers={"accept": INDEX})
    assert [one["digest"] for one in got.json()["manifests"]] == [digest_of(note)]


class TestReferrers:
    """The referrers API, which the stock registry 2.8 does not have."""

    @pytest.fixture(autouse=True)
    def _only_ours(self, is_stock: bool) -> None:
        if is_stock:
            pytest.skip("the stock registry 2.8 has no referrers API; clients use the referrers tag")

    async def test_end_12a_all_that_refers_to_an_image(self, client: Client) -> None:
        image = await client.push_image("1")
        found = {digest_of(await refer(client, image, kind)) for kind in ("application/x-a", "application/x-b")}
        assert set(await listed(client, image)) == found

    async def test_end_12a_descriptors_carry_type_and_annotations(self, client: Client) -> None:
        image = await client.push_image("1")
        body = await refer(client, image, "application/x-a", author="ada")
        answer = await client.call("GET", f"referrers/{digest_of(image)}")
        expected = descriptor(body, MANIFEST, artifactType="application/x-a", annotations={"author": "ada"})
        assert answer.json() == {"schemaVersion": 2, "mediaType": INDEX, "manifests": [expected]}

    async def test_end_12a_without_an_artifact_type_the_config_tells_it(self, client: Client) -> None:
        image = await client.push_image("1")
        await refer(client, image, None)
        answer = await client.call("GET", f"referrers/{digest_of(image)}")
        assert answer.json()["manifests"][0]["artifactType"] == "application/x-config"

    async def test_end_12a_the_subject_may_come_later_or_never(self, client: Client) -> None:
        await client.push_blob(b"layer")
        image = manifest_of(b"layer")
        note = await refer(client, image)
        assert await listed(client, image) == [digest_of(note)]

    async def test_end_12a_nothing_refers_to_it_is_an_empty_index(self, client: Client) -> None:
        assert await listed(client, b"never pushed") == []

    async def test_end_12a_a_digest_that_is_none_is_400(self, client: Client) -> None:
        assert error(await client.call("GET", "referrers/sha256:short")) == (400, "DIGEST_INVALID")

    async def test_end_12a_an_index_refers_too(self, client: Client) -> None:
        image = await client.push_image("1")
        body = index_of(image, subject=descriptor(image, MANIFEST), artifactType="application/x-set")
        assert (await client.put_manifest("set", body, INDEX)).headers["oci-subject"] == digest_of(image)
        assert await listed(client, image) == [digest_of(body)]

    async def test_end_12b_a_filter_is_applied_and_says_so(self, client: Client) -> None:
        image = await client.push_image("1")
        wanted = await refer(client, image, "application/x-a")
        await refer(client, image, "application/x-b")
        assert await listed(client, image, artifactType="application/x-a") == [digest_of(wanted)]
        answer = await client.call("GET", f"referrers/{digest_of(image)}", params={"artifactType": "application/x-a"})
        assert answer.headers["oci-filters-applied"] == "artifactType"
        plain = await client.call("GET", f"referrers/{digest_of(image)}")
        assert "oci-filters-applied" not in plain.headers

    async def test_end_12_a_deleted_referrer_is_gone(self, client: Client) -> None:
        image = await client.push_image("1")
        note = await refer(client, image)
        assert (await client.call("DELETE", f"manifests/{digest_of(note)}")).status_code == 202
        assert await listed(client, image) == []

    async def test_end_12_many_referrers_come_in_pages(self, client: Client) -> None:
        image = await client.push_image("1")
        pushed = {digest_of(await refer(client, image, number=str(number))) for number in range(203)}
        first = await client.call("GET", f"referrers/{digest_of(image)}")
        rest = await client.call("GET", first.links["next"]["url"])
        found = [one["digest"] for one in (*first.json()["manifests"], *rest.json()["manifests"])]
        assert len(found) == len(pushed) == 203
        assert set(found) == pushed
        assert json.loads(rest.content)["manifests"]
        assert "next" not in rest.links
