"""Images of processors run only when the instance has signed them: every way to get around that is refused."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import executor_images
import httpx
import pytest
import uvicorn
from runner_fakes import FakeForge, job_payload
from signed_images import SignedRegistry, other_signer

from mlreef import runner
from mlreef.runner import payload
from mlreef.runner.images.signatures import Signatures, Unsigned
from mlreef.runner.masking import Masker
from mlreef.runner.trace import Trace

HOST, TOOL, OTHER = "registry.test", "g/c/augment", "g/c/other"


@dataclasses.dataclass
class Guard:
    """A runner's check of signatures, its registry, and the key it trusts."""

    registry: SignedRegistry
    signatures: Signatures
    trace: Trace
    job: payload.Job

    async def check(self, digest: str, repository: str = TOOL) -> None:
        await self.signatures.check(self.job, f"{HOST}/{repository}@{digest}", self.trace)

    async def refusal(self, digest: str, repository: str = TOOL) -> str:
        with pytest.raises(Unsigned) as refused:
            await self.check(digest, repository)
        assert refused.value.reason == "image_signature"
        return refused.value.message


def job(**variables: str) -> payload.Job:
    variables = {"MLREEF_JOB_KIND": "step", **variables}
    return payload.parse(job_payload(1, ["true"], variables=variables))


def settings(tmp_path: Path, **changes: Any) -> runner.Settings:
    fields = {"url": "http://registry.test", "token": "glrt-x", "cache_dir": tmp_path / "cache", **changes}
    return runner.Settings(**fields)


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    registry = SignedRegistry()
    key = tmp_path / "signing.pub"
    key.write_text(registry.signer.public_pem)
    signatures = Signatures(settings(tmp_path, trusted_keys=[key]), registry.transport)
    return Guard(registry, signatures, Trace(tmp_path / "trace", Masker([], []), limit=1 << 20), job())


async def test_a_signed_image_is_accepted_and_the_verdict_remembered(guard: Guard) -> None:
    digest = guard.registry.push(TOOL, [b"layer"])
    guard.registry.sign(HOST, TOOL, digest)
    await guard.check(digest)
    asked = len(guard.registry.asked)
    await guard.check(digest)
    assert len(guard.registry.asked) == asked == 1


async def test_a_missing_signature_is_refused(guard: Guard) -> None:
    assert "there is no signature" in await guard.refusal(guard.registry.push(TOOL, [b"layer"]))


async def test_a_tampered_image_is_refused(guard: Guard) -> None:
    guard.registry.sign(HOST, TOOL, guard.registry.push(TOOL, [b"layer"]))
    assert "there is no signature" in await guard.refusal(guard.registry.push(TOOL, [b"another layer"]))


async def test_a_signature_by_another_key_is_refused(guard: Guard) -> None:
    digest = guard.registry.push(TOOL, [b"layer"])
    guard.registry.sign(HOST, TOOL, digest, other_signer())
    assert "unknown key" in await guard.refusal(digest)


async def test_a_signature_of_another_image_copied_over_is_refused(guard: Guard) -> None:
    good, bad = guard.registry.push(TOOL, [b"layer"]), guard.registry.push(TOOL, [b"another layer"])
    made = guard.registry.sign(HOST, TOOL, good)
    guard.registry.put(TOOL, made.manifest, f"{bad.replace(':', '-')}.sig")
    assert "another image" in await guard.refusal(bad)


async def test_a_signature_from_another_repository_is_refused(guard: Guard) -> None:
    digest = guard.registry.push(OTHER, [b"layer"])
    made = guard.registry.sign(HOST, OTHER, digest)
    guard.registry.push(TOOL, [b"layer"])
    guard.registry.put(TOOL, made.manifest, made.tag)
    assert "another repository, registry.test/g/c/other" in await guard.refusal(digest)


async def test_a_changed_payload_is_refused(guard: Guard) -> None:
    digest = guard.registry.push(TOOL, [b"layer"])
    document = json.loads(guard.registry.sign(HOST, OTHER, digest).manifest)
    wanted = json.loads(guard.registry.signature(HOST, TOOL, digest).manifest)["layers"][0]["data"]
    document["layers"][0]["data"] = wanted
    guard.registry.put(TOOL, json.dumps(document), f"{digest.replace(':', '-')}.sig")
    assert "unknown key" in await guard.refusal(digest)


@pytest.mark.parametrize("junk", [b"{}", b'{"layers": [1], "config": {}}', b'{"layers": [{"data": "x"}], "config": 1}'])
async def test_nonsense_in_place_of_a_signature_is_refused(guard: Guard, junk: bytes) -> None:
    digest = guard.registry.push(TOOL, [b"layer"])
    guard.registry.put(TOOL, junk, f"{digest.replace(':', '-')}.sig")
    await guard.refusal(digest)


async def test_a_signature_without_its_tag_is_found_among_the_referrers(guard: Guard) -> None:
    digest = guard.registry.push(TOOL, [b"layer"])
    made = guard.registry.sign(HOST, TOOL, digest)
    del guard.registry.manifests[(TOOL, made.tag)]
    await guard.check(digest)


async def test_a_stripped_referrer_is_refused(guard: Guard) -> None:
    digest = guard.registry.push(TOOL, [b"layer"])
    made = guard.registry.sign(HOST, TOOL, digest)
    del guard.registry.manifests[(TOOL, made.tag)], guard.registry.manifests[(TOOL, made.digest)]
    assert "there is no signature" in await guard.refusal(digest)


async def test_a_signature_as_other_signers_write_it_counts_too(guard: Guard) -> None:
    digest = guard.registry.push(TOOL, [b"layer"])
    document = json.loads(guard.registry.sign(HOST, TOOL, digest).manifest)
    del document["layers"][0]["data"], document["subject"], document["artifactType"]
    guard.registry.put(TOOL, json.dumps(document), f"{digest.replace(':', '-')}.sig")
    await guard.check(digest)


async def test_an_image_named_by_a_tag_is_refused(guard: Guard) -> None:
    with pytest.raises(Unsigned, match="named by its digest"):
        await guard.signatures.check(guard.job, f"{HOST}/{TOOL}:latest", guard.trace)


async def test_a_projects_own_variable_does_not_switch_the_check_off(guard: Guard) -> None:
    digest = guard.registry.push(TOOL, [b"layer"])
    guard.job = job(MLREEF_JOB_KIND="", MLREEF_CONFIG="cap-1")
    await guard.refusal(digest)


async def test_images_of_users_own_configuration_are_not_asked(guard: Guard) -> None:
    guard.job = job(MLREEF_JOB_KIND="")
    await guard.signatures.check(guard.job, "docker.io/library/alpine:3", guard.trace)
    assert not guard.registry.asked


@pytest.mark.parametrize("mode", ["warn", "off"])
async def test_what_is_not_required_runs_with_a_warning_or_none(guard: Guard, tmp_path: Path, mode: str) -> None:
    guard.signatures = Signatures(settings(tmp_path, signatures=mode), guard.registry.transport)
    await guard.check(guard.registry.push(TOOL, [b"layer"]))
    guard.trace.finish()
    assert ("WARNING" in (tmp_path / "trace").read_text()) == (mode == "warn")


async def test_keys_are_pinned_at_first_use(guard: Guard, tmp_path: Path) -> None:
    digest, later = guard.registry.push(TOOL, [b"layer"]), guard.registry.push(TOOL, [b"later"])
    guard.registry.sign(HOST, TOOL, digest)
    guard.signatures = Signatures(settings(tmp_path), guard.registry.transport)
    await guard.check(digest)
    guard.registry.signer = other_signer()
    guard.registry.sign(HOST, TOOL, later)
    guard.signatures = Signatures(settings(tmp_path), guard.registry.transport)
    assert "unknown key" in await guard.refusal(later)


async def test_several_keys_are_trusted_while_they_are_changed(guard: Guard, tmp_path: Path) -> None:
    old, new = guard.registry.signer, other_signer()
    keys = [tmp_path / "old.pub", tmp_path / "both.pub"]
    keys[0].write_text(old.own_pem)
    keys[1].write_text(new.own_pem + old.own_pem)
    for number, signer in enumerate((old, new)):
        digest = guard.registry.push(TOOL, [b"layer %d" % number])
        guard.registry.sign(HOST, TOOL, digest, signer)
        guard.signatures = Signatures(settings(tmp_path, trusted_keys=keys), guard.registry.transport)
        await guard.check(digest)


async def test_without_any_key_nothing_is_accepted(guard: Guard, tmp_path: Path) -> None:
    nobody = httpx.MockTransport(lambda _request: httpx.Response(404))
    guard.signatures = Signatures(settings(tmp_path), nobody)
    assert "MLREEF_RUNNER_TRUSTED_KEYS" in await guard.refusal("sha256:" + "0" * 64)


# -- whole runners, with every executor that takes images


class Both(httpx.AsyncBaseTransport):
    """The forge in memory, everything else over the network."""

    def __init__(self, forge: FakeForge) -> None:
        self._forge, self._network = forge.transport, httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        there = self._forge if request.url.host == "forge.test" else self._network
        return await there.handle_async_request(request)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[SignedRegistry, str]]:
    registry = SignedRegistry()
    server = uvicorn.Server(uvicorn.Config(registry.app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        threading.Event().wait(0.02)
    yield registry, f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["bubblewrap", "podman"])
async def test_an_executor_starts_the_published_image_and_no_other(
    forge: FakeForge, settings: runner.Settings, served: tuple[SignedRegistry, str], tmp_path: Path, executor: str
) -> None:
    registry, host = served
    key = tmp_path / "signing.pub"
    key.write_text(registry.signer.public_pem)
    layer = executor_images._layer()
    good, bad = (registry.push(TOOL, [layer], ("PATH=/usr/bin:/bin",), note) for note in ("good", "bad"))
    registry.sign(host, TOOL, good)
    jobs = [
        forge.queue(
            ["echo it runs"],
            image={"name": f"{host}/{TOOL}@{digest}", "entrypoint": [""]},
            variables={"MLREEF_JOB_KIND": "step"},
            features={"failure_reasons": ["image_signature"]},
        )
        for digest in (good, bad)
    ]
    chosen = settings.model_copy(update={"executor": executor, "trusted_keys": [key], "insecure_registries": [host]})
    stop = asyncio.Event()
    task = asyncio.create_task(runner.run(chosen, stop=stop, transport=Both(forge)))
    try:
        for one in jobs:
            async with asyncio.timeout(40):
                waiting = asyncio.create_task(one.ended.wait())
                await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():
                    pytest.skip(f"no {executor} here: {task.exception()}")
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
    assert jobs[0].end["state"] == "success", jobs[0].text
    assert "\nit runs" in jobs[0].text
    assert "Signature: good" in jobs[0].text
    assert (jobs[1].end["state"], jobs[1].end["failure_reason"]) == ("failed", "image_signature")
    assert "is not signed by a key that this runner trusts" in jobs[1].text
    assert "\nit runs" not in jobs[1].text
