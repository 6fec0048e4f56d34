"""Images: pulled with the job's right, verified, unpacked without trust, shared, dropped when space is short."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from runner_fakes import FakeRegistry, digest, layer

from mlreef.kit.errors import PlatformError
from mlreef.runner.executors import base
from mlreef.runner.executors.bubblewrap import BubblewrapExecutor
from mlreef.runner.images import layers, references
from mlreef.runner.images.registry import PullFailed, Registries
from mlreef.runner.images.store import Images
from mlreef.runner.payload import Credential

LOGIN = [Credential("registry.test", "gitlab-ci-token", "pw")]
BOTTOM = layer({"etc": None, "etc/a": b"bottom", "etc/gone": b"x", "opt": None, "opt/old": b"x", "run*": b"#!"})
TOP = layer({"etc": None, "etc/a": b"top", "etc/.wh.gone": b"", "opt": None, "opt/.wh..wh..opq": b"", "opt/new": b"y"})


def images_of(registry: FakeRegistry, directory: Path, capacity: int = 1 << 30) -> Images:
    return Images(
        directory,
        known_origins=["http://registry.test"],
        insecure=[],
        capacity=capacity,
        transport=registry.transport,
    )


def name(registry: FakeRegistry) -> str:
    return f"registry.test/g/p/tool@{registry.digest}"


async def test_an_image_is_pulled_once_and_merged(tmp_path: Path) -> None:
    registry = FakeRegistry([BOTTOM, TOP], ["A=1"])
    images = images_of(registry, tmp_path)
    leases = await asyncio.gather(*(images.get(name(registry), LOGIN) for _ in range(4)))
    root = await images.merged(leases[0])
    assert sorted(registry.pulled.count(digest(blob)) for blob in (BOTTOM, TOP)) == [1, 1]
    assert leases[0].env == {"A": "1"}
    assert (root / "etc/a").read_text() == "top"
    assert [p.name for p in sorted(root.rglob("*")) if p.is_file()] == ["a", "new", "run"]
    assert (root / "run").stat().st_mode & 0o777 == 0o755
    await images.close()


async def test_an_image_here_is_no_right_to_it(tmp_path: Path) -> None:
    registry = FakeRegistry([BOTTOM])
    images = images_of(registry, tmp_path)
    await images.get(name(registry), LOGIN)
    with pytest.raises(PullFailed, match="login refused"):
        await images.get(name(registry), [Credential("registry.test", "gitlab-ci-token", "wrong")])
    await images.close()


async def test_a_layer_with_other_content_is_refused(tmp_path: Path) -> None:
    registry = FakeRegistry([BOTTOM])
    registry.blobs[digest(BOTTOM)] = TOP
    images = images_of(registry, tmp_path)
    with pytest.raises(PullFailed, match="arrived with other content"):
        await images.get(name(registry), LOGIN)
    assert not list((tmp_path / "layers").iterdir())
    await images.close()


async def test_a_manifest_with_another_digest_is_refused(tmp_path: Path) -> None:
    registry = FakeRegistry([BOTTOM])
    images = images_of(registry, tmp_path)
    with pytest.raises(PullFailed, match="manifest with digest"):
        await images.get("registry.test/g/p/tool@sha256:" + "0" * 64, LOGIN)
    await images.close()


async def test_a_registry_that_restarts_is_waited_for(tmp_path: Path) -> None:
    registry = FakeRegistry([BOTTOM])
    registry.answers = [503]
    images = images_of(registry, tmp_path)
    assert (await images.get(name(registry), LOGIN)).layers
    await images.close()


async def test_unused_layers_go_when_space_is_short_and_used_ones_stay(tmp_path: Path) -> None:
    first, second = FakeRegistry([layer({"a": b"x" * 5000})]), FakeRegistry([layer({"b": b"y" * 5000})])
    for release in (False, True):
        directory = tmp_path / str(release)
        images = images_of(first, directory, capacity=6000)
        lease = await images.get(name(first), LOGIN)
        if release:
            lease.release()
        images._registries = Registries(second.transport)
        await images.get(name(second), LOGIN)
        assert lease.layers[0].exists() is not release
        await images.close()


def hostile(build: Callable[[tarfile.TarFile], None]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        build(tar)
    return buffer.getvalue()


def entry(
    tar: tarfile.TarFile, entry_name: str, kind: bytes = tarfile.REGTYPE, target: str = "", data: bytes = b""
) -> None:
    info = tarfile.TarInfo(entry_name)
    info.type, info.linkname, info.size, info.mode = kind, target, len(data), 0o6777
    tar.addfile(info, io.BytesIO(data))


def through_a_link(tar: tarfile.TarFile) -> None:
    entry(tar, "out", tarfile.SYMTYPE, "/tmp")
    entry(tar, "out/file", data=b"x")


@pytest.mark.parametrize(
    "build",
    [
        lambda tar: entry(tar, "../up", data=b"x"),
        lambda tar: entry(tar, "a/../../up", data=b"x"),
        through_a_link,
        lambda tar: entry(tar, "hard", tarfile.LNKTYPE, "../../etc/passwd"),
        lambda tar: entry(tar, "hard", tarfile.LNKTYPE, "etc/passwd"),
        lambda tar: entry(tar, "a/.wh...", data=b""),
    ],
)
def test_a_layer_that_reaches_out_is_refused(build: Callable[[tarfile.TarFile], None], tmp_path: Path) -> None:
    archive, target = tmp_path / "layer.tar", tmp_path / "deep/target"
    target.mkdir(parents=True)
    archive.write_bytes(hostile(build))
    with pytest.raises(layers.BadLayer):
        layers.unpack(archive, target, layers.Caps())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "layer.tar"]


def test_devices_pipes_and_privileges_do_not_come_along(tmp_path: Path) -> None:
    def build(tar: tarfile.TarFile) -> None:
        entry(tar, "dev", tarfile.CHRTYPE)
        entry(tar, "pipe", tarfile.FIFOTYPE)
        entry(tar, "/absolute", data=b"x")
        entry(tar, "setuid", data=b"x")

    archive, target = tmp_path / "layer.tar", tmp_path / "target"
    target.mkdir()
    archive.write_bytes(hostile(build))
    layers.unpack(archive, target, layers.Caps())
    assert sorted(p.name for p in target.iterdir()) == ["absolute", "setuid"]
    assert (target / "setuid").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("caps", [layers.Caps(bytes=10), layers.Caps(entries=1)])
def test_a_layer_beyond_the_caps_is_refused(caps: layers.Caps, tmp_path: Path) -> None:
    archive, target = tmp_path / "layer.tar", tmp_path / "target"
    target.mkdir()
    archive.write_bytes(layer({"a": b"x" * 20, "b": b"x"}))
    with pytest.raises(layers.BadLayer, match="more than"):
        layers.unpack(archive, target, caps)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b:1"),
        ("python:3.12", "registry-1.docker.io/library/python:3.12"),
        ("org/tool", "registry-1.docker.io/org/tool:latest"),
        ("host.example/x@sha256:" + "a" * 64, "host.example/x@sha256:" + "a" * 64),
    ],
)
def test_image_names_are_read_as_everywhere(given: str, expected: str) -> None:
    assert str(references.parse(given)) == expected


@pytest.mark.parametrize("given", ["", "host.example/", "h.example/../x", "h.example/UPPER", "h.example/x@sha256:1"])
def test_what_is_no_image_name_is_refused(given: str) -> None:
    with pytest.raises(PlatformError, match="name"):
        references.parse(given)


@pytest.mark.parametrize("overlay", [True, False])
async def test_a_sandbox_shows_the_image_with_its_deletions(overlay: bool, tmp_path: Path) -> None:
    # The image brings files only; programs come from this machine's /usr, mounted on top.
    links = {part: f"usr/{part}" for part in ("bin", "lib", "lib64") if Path("/", part).is_symlink()}
    registry = FakeRegistry([BOTTOM, TOP, layer({"usr": None}, links=links)], ["A=1"])
    images = images_of(registry, tmp_path / "images")
    executor = BubblewrapExecutor(images, "test-images", None, directory=tmp_path / "sandbox", uid_base=210_000)
    if not (await executor.probe()).available:
        pytest.skip("no sandboxes here")
    executor._overlay = executor._overlay and overlay
    place = tmp_path / "job"
    for part in base.PARTS:
        (place / part).mkdir(parents=True)
    usr = base.Mount(Path("/usr"), "/usr")
    prepared = await executor.prepare(base.Spec(1, 0, place, name(registry), LOGIN, [usr]))
    command = base.Command(
        ["/bin/sh", "-c", "cat /etc/a; ls /etc/gone /opt 2>&1; touch /etc/new"], prepared.env, "/", 20
    )
    handle = await executor.run(prepared, command)
    said = b"".join([data async for data in handle.output()]).decode()
    await handle.wait()
    await handle.cleanup()
    prepared.release()
    assert said.startswith("top")
    assert "new" in said
    assert "old" not in said
    assert "cannot access '/etc/gone'" in said
    assert "Read-only file system" in said
    assert not list((place / "work").iterdir())
    await images.close()
