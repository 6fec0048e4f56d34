"""Publications and environments as whole jobs: real uv on a local wheel, a fake forge and registry, no network."""

import json
import subprocess
import sys
import zipfile

import epf_fakes
import pytest

from mlreef_epf import dependencies, images, layers, registry, web

BASE, TARGET = "mlreef/environments/python-3.11", "g/c/augment"
pytestmark = pytest.mark.slow
needs_uv = pytest.mark.skipif(not dependencies.find_uv(), reason="uv is not installed")


def wheel(directory, name, version):
    directory.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = '{version}'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


class Studio:
    """A code project and a base image, ready to publish."""

    def __init__(self, machine, world, directory):
        self.machine, self.world, self.wheels = machine, world, directory / "wheels"
        wheel(self.wheels, "tiny", "1.0")
        world.files = {"augment.py": b"print('hi')\n", "requirements.txt": b"tiny\n", "lib/a.py": b"A = 1\n"}
        self.base = self.push_base(directory, "")

    def push_base(self, directory, packages):
        source = directory / "base"
        (source / "etc").mkdir(parents=True, exist_ok=True)
        (source / "etc" / "os").write_text("debian")
        layer = layers.build(str(source), str(directory / "base.tar.gz"))
        labels = {"mlreef.python": "{}.{}".format(*sys.version_info[:2]), "mlreef.packages": packages}
        settings = {"Env": ["PATH=/usr/bin"], "Labels": labels}
        content, manifest = images.assemble(images.Base(), [(layer, "base", None)], settings, {})
        target = registry.Registry(web.Client(patience=5), self.world.url, "root", "secret")
        digest, _ = images.Push(target, BASE, str(directory)).send(
            images.Base(), {layer.digest: layer.path}, content, manifest, "latest"
        )
        return digest

    def publish(self, tag="1.0.0", requirements="requirements.txt", variables=None, **changes):
        what = {
            "id": "pub_1", "project_id": 2, "project_path": "g/c", "commit": epf_fakes.COMMIT, "name": "augment",
            "base_image": f"{self.world.host}/{BASE}@{self.base}", "target": f"{self.world.host}/{TARGET}", "tag": tag,
            "entry": "augment.py", "requirements": requirements, "labels": {"mlreef.kind": "operation"},
        }  # fmt: skip
        what.update(changes)
        forge = {"url": self.world.url, "project_id": 2, "lfs_url": self.world.url + "/g/p.git/info/lfs"}
        self.world.spec = {"kind": "publish", "publication": what, "forge": forge, "registry": {"url": self.world.url}}
        offline = {"UV_FIND_LINKS": str(self.wheels), "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
        return self.machine.run(subcommand="publish", variables={**offline, **(variables or {})})

    def image(self, digest=None):
        manifest = json.loads(self.world.images[(TARGET, digest or self.world.result["digest"])])
        return manifest, json.loads(self.world.blobs[(TARGET, manifest["config"]["digest"])])

    def unpacked(self, directory):
        for index, row in enumerate(self.image()[0]["layers"]):
            packed = directory / f"layer-{index}"
            packed.write_bytes(self.world.blobs[(TARGET, row["digest"])])
            layers.unpack(str(packed), str(directory / "root"))
        return directory / "root"


@pytest.fixture
def studio(machine, world, tmp_path):
    return Studio(machine, world, tmp_path)


@needs_uv
def test_a_publication_is_the_environment_the_packages_and_the_code(studio, world, tmp_path):
    code, log = studio.publish()
    assert code == 0, log
    root = studio.unpacked(tmp_path)
    assert (root / "etc/os").read_text() == "debian"
    assert (root / "mlreef/code/lib/a.py").read_text() == "A = 1\n"
    assert (root / "opt/deps/tiny.py").exists()
    assert list((root / "opt/deps/__pycache__").glob("tiny.cpython-*.pyc"))
    assert world.result["packages"] == ["tiny==1.0"]


@needs_uv
def test_the_result_names_the_image_by_its_digest(studio, world):
    studio.publish()
    result = world.result
    assert result["digest"] == "sha256:" + epf_fakes.sha256(world.images[(TARGET, result["digest"])])
    assert result["image"] == f"{world.host}/{TARGET}@{result['digest']}"
    assert result["size"] == sum(row["size"] for row in studio.image()[0]["layers"])


def test_the_configuration_runs_the_entry_as_an_ordinary_user(studio):
    assert studio.publish(requirements=None)[0] == 0
    config = studio.image()[1]["config"]
    assert (config["User"], config["WorkingDir"]) == ("1000", "/mlreef/work")
    assert config["Env"] == ["PATH=/usr/bin", "PYTHONPATH=/opt/deps"]
    assert config["Cmd"] == ["python3", "/mlreef/code/augment.py"]
    assert config["Labels"]["org.opencontainers.image.revision"] == epf_fakes.COMMIT
    assert config["Labels"]["mlreef.kind"] == "operation"


def test_base_layers_are_mounted_not_sent(studio, world):
    studio.publish(requirements=None)
    sent = {digest for name, digest in world.blobs if name == TARGET}
    assert len([line for line in world.asked("PUT /v2/" + TARGET) if "uploads" in line]) == 6
    assert {row["digest"] for row in studio.image()[0]["layers"]} < sent


def test_base_layers_are_copied_where_mounting_is_refused(studio, world, tmp_path):
    world.mountable = False
    assert studio.publish(requirements=None)[0] == 0
    assert (studio.unpacked(tmp_path) / "etc/os").exists()


@needs_uv
def test_the_same_publication_twice_has_the_same_digest(studio, world):
    studio.publish()
    first = world.result["digest"]
    world.images.pop((TARGET, first))
    world.blobs = {key: value for key, value in world.blobs.items() if key[0] == BASE}
    studio.machine.cache = studio.machine.cache.with_name("another")
    studio.publish()
    assert world.result["digest"] == first


@needs_uv
def test_a_change_of_code_reuses_the_packages_layer_of_the_earlier_version(studio, world, tmp_path):
    studio.publish()
    first = world.result
    world.files["augment.py"] = b"print('new')\n"
    studio.machine.cache = studio.machine.cache.with_name("another")
    code, log = studio.publish(tag="1.0.1", previous={"image": first["image"], "lock": first["lock"]})
    assert code == 0, log
    assert b"as in the version before" in log
    assert b"locked" not in log
    assert (studio.unpacked(tmp_path) / "opt/deps/tiny.py").exists()
    assert world.result["lock"].splitlines()[1:] == first["lock"].splitlines()[1:]
    assert world.result["lock"].startswith("# mlreef-lock-kept: ")
    assert world.result["packages"] == ["tiny==1.0"]


@needs_uv
def test_requirements_that_cannot_be_met_are_explained_in_the_resolvers_words(studio, world):
    world.files["requirements.txt"] = b"tiny==9.9\n"
    assert studio.publish()[0] == 1
    assert world.result["status"] == "failed"
    assert "the requirements cannot be met" in world.result["message"]
    assert "tiny==9.9" in world.result["message"]


@needs_uv
def test_what_the_environment_holds_is_kept_and_not_installed_again(studio, world, tmp_path):
    wheel(studio.wheels, "tiny", "2.0")
    studio.base = studio.push_base(tmp_path, "tiny==1.0")
    code, log = studio.publish()
    assert code == 0, log
    assert b"in the environment already" in log
    assert world.result["packages"] == ["tiny==1.0"]


def test_a_missing_entry_file_is_named(studio, world):
    assert studio.publish(entry="nope.py")[0] == 1
    assert "nope.py" in world.result["message"]


@pytest.mark.parametrize("limits", [{"files": 2, "bytes": 1000}, {"files": 100, "bytes": 10}])
def test_a_code_project_with_too_much_in_it_is_refused_with_what_to_do(studio, world, limits):
    assert studio.publish(source_limits=limits)[0] == 1
    assert "the commit has" in world.result["message"]
    assert "keep data in a data project" in world.result["message"]


def test_a_code_project_within_its_limits_is_published(studio):
    assert studio.publish(requirements=None, source_limits={"files": 3, "bytes": 1000})[0] == 0


def test_a_missing_base_image_is_named(studio, world):
    assert studio.publish(base_image=f"{world.host}/{BASE}:gone")[0] == 1
    assert "is not in the registry" in world.result["message"]


@needs_uv
def test_an_environment_on_another_is_built_and_its_digest_printed_last(studio, world, zipapp, tmp_path):
    definition = {"title": "Tiny", "python": "3.11", "from": "python-3.11", "requirements": ["tiny"], "framework": "t"}
    (tmp_path / "tiny.json").write_text(json.dumps(definition))
    argv = [sys.executable, str(zipapp), "environment", "build", "--name", "tiny"]
    argv += ["--definition", str(tmp_path / "tiny.json"), "--registry", world.url]
    argv += ["--repository", "mlreef/environments/tiny"]
    env = studio.machine.variables(MLREEF_REGISTRY_USERNAME="root", MLREEF_REGISTRY_PASSWORD="secret")
    env.update(UV_FIND_LINKS=str(studio.wheels), UV_OFFLINE="1")
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    last = json.loads(done.stdout.splitlines()[-1])
    assert ("mlreef/environments/tiny", last["digest"]) in world.images
    assert last["packages"] == ["tiny==1.0"]


def test_a_wrong_registry_password_is_said_plainly(world, zipapp):
    argv = [sys.executable, str(zipapp), "environment", "build", "--name", "scikit-learn", "--registry", world.url]
    argv += ["--repository", "mlreef/environments/scikit-learn"]
    env = {"PATH": "/usr/bin:/bin", "MLREEF_REGISTRY_USERNAME": "root", "MLREEF_REGISTRY_PASSWORD": "wrong"}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "bad credentials" in done.stdout
