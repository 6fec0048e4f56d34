"""What is published has been checked and signed; whatever is wrong with it ends the publication without a version."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from code_project import BASE, Client, Code
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fake_forge import MANAGEMENT
from fake_registry import SBOM

from mlreef.management.attestations import keys

TARGET = "g/code/augment"


async def version_of(code: Code, publication: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (
        await code.maintainer.get(f"/api/v1/processor-versions/{publication['version_id']}")
    ).json()
    return found


async def public_key(client: Client) -> ec.EllipticCurvePublicKey:
    answer = await client().get("/api/v1/keys/signing")
    key = serialization.load_pem_public_key(answer.content)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


async def test_a_version_is_signed_under_its_own_name(code: Code, client: Client) -> None:
    digest = (await version_of(code, await code.published()))["digest"]
    tag = digest.replace(":", "-") + ".sig"
    manifest = json.loads(code.forge.registry.manifests[(TARGET, tag)])
    layer = manifest["layers"][0]
    payload = base64.b64decode(layer["data"])
    signature = base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"])
    (await public_key(client)).verify(signature, payload, ec.ECDSA(hashes.SHA256()))
    critical = json.loads(payload)["critical"]
    assert critical["image"] == {"docker-manifest-digest": digest}
    assert critical["identity"] == {"docker-reference": f"registry.test:5000/{TARGET}"}
    assert (manifest["subject"]["digest"], code.forge.registry.blobs[layer["digest"]]) == (digest, payload)


async def test_provenance_is_signed_as_an_envelope(code: Code, client: Client) -> None:
    digest = (await version_of(code, await code.published()))["digest"]
    manifest = json.loads(code.forge.registry.manifests[(TARGET, digest.replace(":", "-") + ".att")])
    envelope = json.loads(code.forge.registry.blobs[manifest["layers"][0]["digest"]])
    statement, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(statement), statement)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    (await public_key(client)).verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    assert json.loads(statement)["subject"][0]["digest"]["sha256"] == digest.removeprefix("sha256:")


async def test_the_tag_appears_with_the_version_and_not_before(code: Code) -> None:
    started = (await code.publish()).json()
    assert not code.forge.registry.tags(TARGET)
    await code.build(started)
    assert "1.0.0" in code.forge.registry.tags(TARGET)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"subject": "sha256:" + "9" * 64}, "another image"),
        ({"layers": ["sha256:" + "8" * 64]}, "not built on registry.test:5000/mlreef/environments/python-3.11"),
        ({"commit": "7" * 40}, "commit"),
        ({"project": "g/other"}, "project"),
    ],
)
async def test_what_does_not_fit_together_is_not_published(code: Code, wrong: dict[str, Any], said: str) -> None:
    started = (await code.publish()).json()
    answer = (await code.build(started, **wrong)).json()
    found = (await code.maintainer.get(f"/api/v1/publications/{started['id']}")).json()
    assert (answer["status"], found["status"], found["version_id"]) == ("failed", "failed", None)
    assert said in found["reason"]
    assert not code.forge.registry.tags(TARGET)
    assert (await code.published())["version"] == "1.0.0"


async def test_a_foreign_builder_is_not_believed(code: Code) -> None:
    started = (await code.publish()).json()
    _, job = code.job(started)
    report = code.forge.registry.build((await job.get("/api/v1/jobs/current")).json(), "https://elsewhere.test")
    answer = (await job.put("/api/v1/jobs/current/result", json=report)).json()
    assert "names the builder 'https://elsewhere.test'" in answer["reason"]


@pytest.mark.parametrize("left_out", ["sbom", "provenance"])
async def test_an_image_without_attestations_is_not_published(code: Code, left_out: str) -> None:
    started = (await code.publish()).json()
    _, job = code.job(started)
    report = code.forge.registry.build((await job.get("/api/v1/jobs/current")).json(), MANAGEMENT)
    del report["attestations"][left_out]
    answer = (await job.put("/api/v1/jobs/current/result", json=report)).json()
    assert answer["reason"] == f"the image was not accepted: the image comes without {left_out}"


async def test_a_registry_that_is_away_for_a_moment_is_waited_for(code: Code) -> None:
    started = (await code.publish()).json()
    code.forge.registry.failing = [503]
    assert (await code.build(started)).json()["status"] == "succeeded"


async def test_a_registry_that_stays_away_fails_the_publication_which_can_be_repeated(code: Code) -> None:
    started = (await code.publish()).json()
    code.forge.registry.failing = [503] * 30
    answer = (await code.build(started)).json()
    code.forge.registry.failing.clear()
    assert (answer["status"], "was not accepted" in answer["reason"]) == ("failed", True)
    assert (await code.published())["version"] == "1.0.0"


async def test_lock_and_attestations_are_kept_with_the_version(code: Code, state: Any) -> None:
    from mlreef.management.processors import store

    done = await code.published()
    async with state.db.read() as tx:
        version = await store.find_version(tx, done["version_id"])
    assert version is not None
    assert version.lock.startswith("# mlreef-lock: ")
    assert set(version.attestations) == {"sbom", "provenance", "signature"}
    bill = json.loads(code.forge.registry.manifests[(TARGET, version.attestations["sbom"])])
    assert bill["artifactType"] == SBOM


async def test_an_environment_is_signed_when_it_is_registered(code: Code) -> None:
    digest = BASE.partition("@")[2]
    tag = digest.replace(":", "-") + ".sig"
    assert ("mlreef/environments/python-3.11", tag) in code.forge.registry.manifests
    found = (await code.maintainer.get("/api/v1/environments/python-3.11")).json()
    assert found["source"]["attestations"]["signature"].startswith("sha256:")


async def test_an_environment_that_is_not_there_is_refused(code: Code, client: Client) -> None:
    admin = client(code.forge.user_by_name("root"))
    image = "registry.test:5000/mlreef/environments/r@sha256:" + "1" * 64
    answer = await admin.post("/api/v1/environments", json={"name": "r", "image": image})
    assert (answer.status_code, "cannot be signed" in answer.json()["error"]["message"]) == (400, True)


async def test_another_image_for_an_environment_changes_no_version(code: Code, client: Client) -> None:
    before = await version_of(code, await code.published())
    admin = client(code.forge.user_by_name("root"))
    other = code.forge.registry.put("mlreef/environments/python-3.11", b'{"layers":[],"mediaType":"x"}')
    image = f"{BASE.partition('@')[0]}@{other}"
    body = {
        "name": "python-3.11",
        "image": image,
        "flavour": "gpu",
        "packages": ["numpy==2.1"],
        "source": {"kind": "t"},
    }
    made = (await admin.post("/api/v1/environments", json=body)).json()
    assert (made["image"], made["flavour"], made["packages"]) == (image, "gpu", ["numpy==2.1"])
    assert await version_of(code, {"version_id": before["id"]}) == before
    assert (await admin.delete("/api/v1/environments/python-3.11")).status_code == 204
    assert (await code.maintainer.get("/api/v1/environments/python-3.11")).json()["selectable"] is False
    assert (await code.publish()).status_code == 400


async def test_layers_of_the_same_lock_are_found_where_the_user_may_read(code: Code) -> None:
    key = "d" * 64
    code.forge.runner = {"is_shared": True}
    hidden = code.forge.add_project("h/hidden", visibility="private", members={"bea": 40}, files=code_files(code))
    code.forge.add_user("bea")
    public = code.forge.add_project("h/open", visibility="public", members={"ada": 40}, files=code_files(code))
    for project, owner in ((hidden, "bea"), (public, "ada")):
        there = Code(code.forge, code.client, project, code.client(code.forge.user_by_name(owner)))
        started = (await there.publish()).json()
        _, job = there.job(started)
        await _with_lock(code, job, key)
    started = (await code.publish()).json()
    _, job = code.job(started)
    found = (await job.get(f"/api/v1/jobs/current/layers/{key}")).json()["layers"]
    assert {one["repository"] for one in found} == {"h/open/augment"}


async def test_layers_that_a_foreign_runner_built_are_not_taken_over(code: Code) -> None:
    key = "d" * 64
    code.forge.runner = {"is_shared": False, "runner_type": "project_type"}
    public = code.forge.add_project("h/open", visibility="public", members={"ada": 40}, files=code_files(code))
    there = Code(code.forge, code.client, public, code.maintainer)
    _, job = there.job((await there.publish()).json())
    await _with_lock(code, job, key)
    _, own = code.job((await code.publish()).json())
    assert (await own.get(f"/api/v1/jobs/current/layers/{key}")).json()["layers"] == []
    assert len((await job.get(f"/api/v1/jobs/current/layers/{key}")).json()["layers"]) > 0


async def test_a_job_is_told_of_the_version_before(code: Code) -> None:
    first = await version_of(code, await code.published())
    _, job = code.job((await code.publish()).json())
    previous = (await job.get("/api/v1/jobs/current")).json()["publication"]["previous"]
    assert previous == {"image": first["image"], "lock": "# mlreef-lock: x\nnumpy==2.1\n"}


def code_files(code: Code) -> dict[str, str | bytes]:
    return {**code.project.snapshots[code.project.head]}


async def _with_lock(code: Code, job: Any, key: str) -> None:
    spec = (await job.get("/api/v1/jobs/current")).json()
    registry = code.forge.registry
    report = registry.build(spec, MANAGEMENT, annotations={"mlreef.lock": key})
    report["lock"] = f"# mlreef-lock: {key}\nnumpy==2.1\n"
    assert (await job.put("/api/v1/jobs/current/result", json=report)).json()["status"] == "succeeded"


async def test_the_key_is_made_once_and_only_its_owner_reads_it(client: Client, tmp_path: Path, settings: Any) -> None:
    shown = (await client().get("/api/v1/keys/signing")).text
    path = tmp_path / "management" / "signing.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.with_suffix(".pub").read_text() == shown
    assert keys.open_signer(settings).public_pem == shown


async def test_earlier_keys_are_shown_after_the_present_one(tmp_path: Path, settings: Any) -> None:
    old = keys.open_signer(settings.model_copy(update={"signing_key_file": tmp_path / "old.key"}))
    changed = settings.model_copy(update={"signing_earlier_keys": [tmp_path / "old.pub"]})
    signer = keys.open_signer(changed)
    assert signer.public_pem == signer.own_pem + old.own_pem
