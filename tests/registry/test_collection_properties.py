"""Random pushes, deletions and collections, also at once: nothing reachable is ever lost, nothing else stays."""

from __future__ import annotations

import asyncio
import random
import tempfile
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlreef.kit import objects
from mlreef.kit.clock import FixedClock
from mlreef.registry import collection
from registry import world
from registry.world import MANIFEST, Client, World, descriptor, digest_of, manifest_of

pytestmark = pytest.mark.slow

NAMES = ("a/one", "a/two", "b/three")
LAYERS = tuple(f"layer {number}".encode() for number in range(6))


@dataclass
class Model:
    """What must be there: per repository, tags and the manifests with their layers."""

    tags: dict[tuple[str, str], bytes] = field(default_factory=dict)
    layers: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)

    def live(self) -> set[bytes]:
        """Bytes of blobs that some tag leads to."""
        return {blob for body in self.tags.values() for blob in (b"{}", *self.layers[body])}


async def push(model: Model, client: Client, chance: random.Random) -> None:
    """As a client does it: ask for each blob, send what is missing, then the manifest, under a tag."""
    layers = tuple(chance.sample(LAYERS, chance.randint(1, 3)))
    for blob in (b"{}", *layers):
        if (await client.call("HEAD", f"blobs/{digest_of(blob)}")).status_code != 200:
            await client.push_blob(blob)
    body = manifest_of(*layers, annotations={"number": str(chance.random())})
    model.layers[body] = layers
    tag = chance.choice("xyz")
    answer = await client.put_manifest(tag, body)
    assert answer.status_code == 201, answer.text
    model.tags[client.name, tag] = body


async def untag(model: Model, client: Client, chance: random.Random) -> None:
    tags = [tag for name, tag in model.tags if name == client.name]
    if tags:
        tag = chance.choice(tags)
        del model.tags[client.name, tag]
        assert (await client.call("DELETE", f"manifests/{tag}")).status_code == 202


async def delete(model: Model, client: Client, chance: random.Random) -> None:
    bodies = [body for (name, _), body in model.tags.items() if name == client.name]
    if bodies:
        body = chance.choice(bodies)
        for key in [key for key, held in model.tags.items() if held == body and key[0] == client.name]:
            del model.tags[key]
        assert (await client.call("DELETE", f"manifests/{digest_of(body)}")).status_code == 202


async def note(model: Model, client: Client, _chance: random.Random) -> None:
    """A referrer about whatever is tagged: it must not keep anything alive by itself."""
    bodies = [body for (name, _), body in model.tags.items() if name == client.name]
    if bodies:
        about = manifest_of(subject=descriptor(bodies[0], MANIFEST))
        assert (await client.put_manifest(digest_of(about), about)).status_code == 201


ACTIONS = {"push": push, "untag": untag, "delete": delete, "note": note}


async def check(model: Model, reg: World) -> None:
    for (name, tag), body in model.tags.items():
        client = reg.client.of(name)
        got = await client.call("GET", f"manifests/{tag}")
        assert got.content == body
        for blob in (b"{}", *model.layers[body]):
            assert await client.has_blob(blob)


async def settle(model: Model, reg: World) -> None:
    """Long after the last change, two collections leave exactly what is reachable."""
    for _ in range(2):
        reg.state.clock.advance(1e6)
        await collection.run(reg.state)
    kept = {digest async for digest, _ in reg.state.objects.iter_all()} - {objects.mark_of("registry")}
    assert kept == {digest_of(blob).removeprefix("sha256:") for blob in model.live()}
    await check(model, reg)


async def story(steps: list[str], seed: int) -> None:
    chance, model = random.Random(seed), Model()
    with tempfile.TemporaryDirectory() as folder:
        async with world.ours(f"sqlite:///{folder}/r.db", f"file://{folder}/o", clock=FixedClock()) as reg:
            for step in steps:
                if step == "collect":
                    reg.state.clock.advance(chance.choice([60, 90_000]))
                    await collection.run(reg.state)
                else:
                    await ACTIONS[step](model, reg.client.of(chance.choice(NAMES)), chance)
            await check(model, reg)
            await settle(model, reg)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.sampled_from(["push", "push", "untag", "delete", "note", "collect"]), min_size=4, max_size=25),
    st.integers(0, 2**32),
)
def test_collections_lose_nothing_reachable_and_leave_nothing_else(steps: list[str], seed: int) -> None:
    asyncio.run(story(steps, seed))


async def crowd(seed: int) -> None:
    """Pushers in repositories of their own that share layers, and collections without pause and almost no grace."""
    chance, model = random.Random(seed), Model()
    with tempfile.TemporaryDirectory() as folder:
        clock = FixedClock()
        place = f"sqlite:///{folder}/r.db", f"file://{folder}/o"
        async with world.ours(*place, clock=clock, gc_hours=1) as reg:
            pushing = asyncio.Event()

            async def pusher(name: str) -> None:
                client = reg.client.of(name)
                for _ in range(12):
                    await ACTIONS[chance.choice(["push", "push", "untag", "delete"])](model, client, chance)

            async def collector() -> None:
                while not pushing.is_set():
                    clock.advance(60)
                    await collection.run(reg.state)
                    await asyncio.sleep(0)

            collecting = asyncio.create_task(collector())
            await asyncio.gather(*(pusher(name) for name in NAMES))
            pushing.set()
            await collecting
            await settle(model, reg)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32))
def test_pushes_and_collections_at_once_lose_nothing(seed: int) -> None:
    asyncio.run(crowd(seed))
