"""What a publication tells of its image, and that the same input gives the same image wherever it is built."""

import json
import os
import shutil
import subprocess
import sys

import epf_fakes
import pytest
from test_epf_publish import TARGET, Studio, needs_uv, wheel

from mlreef_epf import attestations, bytecode, copying, installed, layers, pip_settings, registry, sbom, stubs, web


@pytest.fixture
def studio(machine, world, tmp_path):
    return Studio(machine, world, tmp_path)


def referrer(world, kind):
    """The document of an attestation of the last publication."""
    manifest = json.loads(world.images[(TARGET, world.result["attestations"][kind])])
    assert manifest["subject"]["digest"] == world.result["digest"]
    return manifest["artifactType"], json.loads(world.blobs[(TARGET, manifest["layers"][0]["digest"])])


@pytest.mark.slow
@needs_uv
def test_the_bill_of_materials_names_packages_code_and_base(studio, world):
    assert studio.publish()[0] == 0
    kind, bill = referrer(world, "sbom")
    assert (kind, bill["specVersion"]) == ("application/vnd.cyclonedx+json", "1.6")
    found = {one["name"]: one for one in bill["components"]}
    content = (studio.wheels / "tiny-1.0-py3-none-any.whl").read_bytes()
    assert found["tiny"]["purl"] == "pkg:pypi/tiny@1.0"
    assert found["tiny"]["hashes"] == [{"alg": "SHA-256", "content": epf_fakes.sha256(content)}]
    assert found["augment"]["externalReferences"][0]["comment"] == epf_fakes.COMMIT
    assert any(name.endswith("environments/python-3.11") for name in found)
    assert bill["metadata"]["component"]["version"] == world.result["digest"]


@pytest.mark.slow
@needs_uv
def test_provenance_says_what_was_asked_and_used(studio, world):
    studio.publish()
    kind, told = referrer(world, "provenance")
    build, run = told["predicate"]["buildDefinition"], told["predicate"]["runDetails"]
    used = {one["uri"].partition("@")[0]: one.get("digest") for one in build["resolvedDependencies"]}
    assert (kind, told["predicateType"]) == ("application/vnd.in-toto+json", "https://slsa.dev/provenance/v1")
    assert build["externalParameters"] == {
        "project": "g/c", "commit": epf_fakes.COMMIT, "entry": "augment.py", "manifest": {},
    }  # fmt: skip
    assert used[f"git+{world.url}/g/c"] == {"gitCommit": epf_fakes.COMMIT}
    assert used[f"oci://{world.host}/mlreef/environments/python-3.11"] == {"sha256": studio.base.partition(":")[2]}
    assert set(used["urn:mlreef:lock"]) == set(used["pkg:pypi/tiny"]) == {"sha256"}
    assert run["builder"]["id"] == world.url
    assert run["metadata"]["startedOn"] <= run["metadata"]["finishedOn"]


@pytest.mark.slow
@needs_uv
def test_the_lock_has_hashes_and_is_reported(studio, world):
    studio.publish()
    lock = world.result["lock"].splitlines()
    assert lock[0].startswith("# mlreef-lock: ")
    assert lock[1].startswith("tiny==1.0")
    assert any("--hash=sha256:" in line for line in lock)


@pytest.mark.slow
@needs_uv
def test_another_projects_layer_of_the_same_lock_is_mounted(studio, world):
    studio.publish()
    row = next(one for one in studio.image()[0]["layers"] if "mlreef.lock" in (one.get("annotations") or {}))
    world.blobs[("h/other/p", row["digest"])] = world.blobs[(TARGET, row["digest"])]
    world.layers[row["annotations"]["mlreef.lock"]] = [{**row, "repository": "h/other/p"}]
    world.blobs = {key: value for key, value in world.blobs.items() if key[0] != TARGET}
    studio.machine.cache = studio.machine.cache.with_name("another")
    code, log = studio.publish(tag="2.0.0")
    assert code == 0, log
    assert b"packages: as in h/other/p" in log
    assert row in studio.image()[0]["layers"] or row["digest"] in {r["digest"] for r in studio.image()[0]["layers"]}


@pytest.mark.slow
@needs_uv
def test_a_layer_that_may_not_be_mounted_is_built(studio, world):
    studio.publish()
    row = next(one for one in studio.image()[0]["layers"] if "mlreef.lock" in (one.get("annotations") or {}))
    world.layers[row["annotations"]["mlreef.lock"]] = [{**row, "repository": "h/secret/p"}]
    studio.machine.cache = studio.machine.cache.with_name("another")
    assert studio.publish(tag="2.0.0")[0] == 0
    assert world.result["packages"] == ["tiny==1.0"]


@pytest.mark.slow
@needs_uv
def test_conditions_do_not_show_in_the_image(studio, world, tmp_path):
    """Another cache, umask, hash seed, time zone, language and place; the same bytes."""
    studio.publish()
    first, image = world.result["digest"], world.images[(TARGET, world.result["digest"])]
    del world.images[(TARGET, first)]
    world.blobs = {key: value for key, value in world.blobs.items() if key[0] != TARGET}
    elsewhere = tmp_path / "quite" / "another place"
    elsewhere.mkdir(parents=True)
    studio.machine.cache = elsewhere / "cache"
    before = os.umask(0o077)
    try:
        changed = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "TMPDIR": str(elsewhere), "HOME": "/root"}
        code, log = studio.publish(variables=changed)
    finally:
        os.umask(before)
    assert code == 0, log
    assert (world.result["digest"], world.images[(TARGET, first)]) == (first, image)


@pytest.mark.slow
def test_the_environments_layers_are_the_images_first_ones(studio, world):
    studio.publish(requirements=None)
    base = json.loads(world.images[("mlreef/environments/python-3.11", studio.base)])["layers"]
    assert studio.image()[0]["layers"][: len(base)] == base


@pytest.mark.slow
@pytest.mark.parametrize("referrers", [True, False])
def test_registries_without_referrers_get_the_list_under_a_tag(studio, world, referrers):
    world.referrers = referrers
    studio.publish(requirements=None)
    tag = world.result["digest"].replace(":", "-")
    assert ((TARGET, tag) in world.images) == (not referrers)
    if not referrers:
        rows = json.loads(world.images[(TARGET, tag)])["manifests"]
        assert {one["digest"] for one in rows} == set(world.result["attestations"].values())


@pytest.mark.slow
def test_a_publication_that_is_not_accepted_fails_its_job(studio, world):
    world.verdict = {"status": "failed", "reason": "not signed"}
    code, log = studio.publish(requirements=None)
    assert code == 1
    assert b"failed: not signed" in log


# -- parts


def modules(folder):
    for name in ("a", "b", "pkg/c", "pkg/d"):
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = "    x = {'a', 'b', None}\n    def m(self, n): return n in (1, 2)\n"
        path.write_text(f"import os\nclass {name[-1].upper()}:\n{body}")
    (folder / "broken.py").write_text("def (:\n")
    return folder


def compiled(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*.pyc")}


def test_byte_code_is_the_same_at_any_place(tmp_path):
    first, second = modules(tmp_path / "one"), modules(tmp_path / "another" / "place")
    bytecode.compile_directory(str(first), "/opt/deps")
    bytecode.compile_directory(str(second), "/opt/deps")
    assert compiled(first) == compiled(second)
    assert len(compiled(first)) == 4


def test_a_layer_does_not_depend_on_order_or_permissions(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, names in ((one, "abc"), (other, "cba")):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name)
            (folder / name).chmod(0o600 if folder is one else 0o664)
            os.utime(folder / name, (1, 1) if folder is one else (10**9, 10**9))
    made = [
        layers.build(str(folder), str(tmp_path / f"{folder.name}.tar.gz"), "mlreef/code") for folder in (one, other)
    ]
    assert made[0].digest == made[1].digest


def test_components_are_read_from_metadata(tmp_path):
    info = tmp_path / "Tiny_Pack-1.0.dist-info"
    info.mkdir()
    told = "Metadata-Version: 2.4\nName: Tiny.Pack\nVersion: 1.0\nLicense-Expression: MIT OR BSD-3-Clause\n"
    (info / "METADATA").write_text(told)
    found = installed.components(str(tmp_path), {"tiny-pack": "ab"})
    assert found == [
        {"kind": "pypi", "name": "tiny-pack", "version": "1.0", "licence": "MIT OR BSD-3-Clause", "sha256": "ab"}
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("License: MIT License", {"licence": "MIT"}),
        ("Classifier: License :: OSI Approved :: Apache Software License", {"licence": "Apache-2.0"}),
        ("License: Our own terms", {"licence_name": "Our own terms"}),
        ("Summary: x", {}),
    ],
)
def test_licences_without_an_expression(tmp_path, header, expected):
    (tmp_path / "a-1.dist-info").mkdir()
    (tmp_path / "a-1.dist-info/METADATA").write_text(f"Name: a\nVersion: 1\n{header}\n")
    assert installed.components(str(tmp_path), {}) == [{"kind": "pypi", "name": "a", "version": "1", **expected}]


def test_the_bill_of_materials_is_the_same_every_time():
    parts = [{"kind": "deb", "name": "libc6", "version": "2.36-9", "architecture": "amd64", "sha256": "aa"}]
    about = {"name": "n", "version": "1", "image": "r/n", "properties": {"b": 1, "a": 2}}
    made = [json.dumps(sbom.document("sha256:" + "1" * 64, about, parts)) for _ in range(2)]
    assert made[0] == made[1]
    assert "pkg:deb/debian/libc6@2.36-9?arch=amd64" in made[0]


def test_pips_settings_are_used_for_uv(tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nfind-links = /a/wheels\n    /b/wheels\n")
    assert pip_settings.for_uv({"PIP_CONFIG_FILE": str(config)})["UV_FIND_LINKS"] == "/a/wheels,/b/wheels"
    assert pip_settings.for_uv({"PIP_FIND_LINKS": "/c", "PIP_CONFIG_FILE": str(config)})["UV_FIND_LINKS"] == "/c"
    assert "UV_FIND_LINKS" not in pip_settings.for_uv({"UV_FIND_LINKS": "/d", "PIP_CONFIG_FILE": str(config)})


@pytest.mark.slow
@needs_uv
def test_what_no_index_has_is_resolved_from_the_environment(studio, tmp_path):
    """A CPU build with a local version: on no index, but held by the environment."""
    from mlreef_epf import dependencies

    held = tmp_path / "held"
    wheel(tmp_path / "local", "torchy", "2.0+cpu")
    local = next((tmp_path / "local").iterdir())
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(local), str(held)], check=True)
    (tmp_path / "r.txt").write_text("torchy>=2\ntiny\n")
    env = {"UV_FIND_LINKS": str(studio.wheels), "UV_OFFLINE": "1", "PATH": os.environ["PATH"]}
    installer = dependencies.Installer(str(tmp_path), dependencies.Target(), env=env)
    lock = installer.lock(str(tmp_path / "r.txt"), ["torchy==2.0+cpu"], [str(held)])
    assert lock.packages == ("tiny==1.0",)
    assert stubs.write(["unknown==1"], [str(held)], str(tmp_path / "none")) == ""


def test_debian_packages_are_read_from_a_status_file():
    text = (
        "Package: base\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nDescription: x\n more\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 2\n"
    )
    found = copying.debian_components(text)
    assert [(one["name"], one["version"], one["architecture"]) for one in found] == [("base", "1", "amd64")]


def test_attaching_twice_changes_nothing(world):
    target = registry.Registry(web.Client(patience=5), world.url, "root", "secret")
    subject = {"mediaType": registry.OCI_MANIFEST, "digest": "sha256:" + "5" * 64, "size": 3}
    made = {attestations.attach(target, "g/c/x", subject, "text/x", {"a": 1}) for _ in range(2)}
    assert len(made) == 1


def test_a_collision_at_the_registry_is_tried_again(world):
    world.fail = {r"POST /v2/g/c/x/blobs/uploads/": [409, 409]}
    target = registry.Registry(web.Client(patience=5), world.url, "root", "secret")
    target.push_small("g/c/x", "sha256:" + registry.sha256(b"content"), b"content")
    assert len(world.asked("POST /v2/g/c/x/blobs/uploads/")) == 4


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("apt-get") or not shutil.which("dpkg-deb"), reason="needs a Debian machine")
def test_a_real_environment_has_the_same_layers_twice(zipapp, world, machine, tmp_path):
    """python-3.11 from Debian packages, twice, under other conditions."""
    digests = []
    for number, mask in ((1, 0o022), (2, 0o077)):
        work = tmp_path / f"work {number}"
        work.mkdir()
        argv = [sys.executable, str(zipapp), "environment", "build", "--name", "python-3.11", "--work", str(work)]
        argv += ["--registry", world.url, "--repository", f"mlreef/environments/e{number}"]
        env = machine.variables(MLREEF_REGISTRY_USERNAME="root", MLREEF_REGISTRY_PASSWORD="secret")
        env.update(PYTHONHASHSEED=str(number), TZ="UTC" if number == 1 else "Asia/Tokyo", HOME=str(work))
        before = os.umask(mask)
        try:
            done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        finally:
            os.umask(before)
        assert done.returncode == 0, done.stdout
        last = json.loads(done.stdout.splitlines()[-1])
        manifest = json.loads(world.images[(f"mlreef/environments/e{number}", last["digest"])])
        digests.append([row["digest"] for row in manifest["layers"]])
    assert digests[0] == digests[1]
    parts = sbom.noted(manifest["layers"])
    assert {"libc6", "python3.11-minimal"} < {one["name"] for one in parts}
    assert all(one.get("sha256") for one in parts)
