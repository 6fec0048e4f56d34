"""Layers compressed with zstd: as skopeo makes them, and as somebody who means harm makes them."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from mlreef.runner.images import layers

FILES = {"etc/motd": b"hello\n", "opt/data": b"x" * 3_000_000}


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def unpacked(archive: Path, caps: layers.Caps | None = None) -> dict[str, bytes]:
    target = archive.with_name("target")
    target.mkdir()
    layers.unpack(archive, target, caps or layers.Caps())
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def image(place: Path, layer: bytes) -> None:
    """An image of one uncompressed layer, in skopeo's `dir:` layout."""
    place.mkdir()
    (place / "version").write_text("Directory Transport Version: 1.1\n")
    name = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [name]}}

    def kept(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (place / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": kept(json.dumps(config).encode(), "config.v1+json"),
        "layers": [kept(layer, "layer.v1.tar")],
    }
    (place / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["zstd", "zstd:chunked"])
def test_a_layer_that_skopeo_compressed_is_unpacked(kind: str, tmp_path: Path) -> None:
    image(tmp_path / "plain", tar_of(FILES))
    places = [f"dir:{tmp_path}/plain", f"oci:{tmp_path}/packed:1"]
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-compress-format", kind, *places]
    subprocess.run(command, check=True, capture_output=True)
    blobs = tmp_path / "packed/blobs/sha256"
    index = json.loads((tmp_path / "packed/index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_text())
    layer = manifest["layers"][0]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+zstd"
    assert unpacked((blobs / layer["digest"].removeprefix("sha256:")).rename(tmp_path / "layer")) == FILES


def test_several_frames_and_a_skipped_one_are_one_layer(tmp_path: Path) -> None:
    data, contents = tar_of(FILES), b"a table of contents"
    skipped = b"\x50\x2a\x4d\x18" + len(contents).to_bytes(4, "little") + contents
    (tmp_path / "layer").write_bytes(zstandard.compress(data[:700]) + skipped + zstandard.compress(data[700:]))
    assert unpacked(tmp_path / "layer") == FILES


def test_a_frame_that_asks_for_two_gigabytes_of_memory_is_refused(tmp_path: Path) -> None:
    window = bytes([(31 - 10) << 3])
    (tmp_path / "layer").write_bytes(b"\x28\xb5\x2f\xfd\x00" + window + b"\x01\x00\x00")
    with pytest.raises(layers.BadLayer, match="too much memory"):
        unpacked(tmp_path / "layer")


def test_a_damaged_or_cut_layer_is_refused(tmp_path: Path) -> None:
    whole = zstandard.compress(tar_of({"a": bytes(range(256)) * 4000}))
    for number, data in enumerate((whole[:200], whole[:40] + b"\xff" * 60 + whole[100:])):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "layer").write_bytes(data)
        with pytest.raises(layers.BadLayer):
            unpacked(place / "layer")


def test_little_that_becomes_too_much_is_refused(tmp_path: Path) -> None:
    (tmp_path / "layer").write_bytes(zstandard.compress(tar_of({"zeros": bytes(50_000_000)})))
    assert (tmp_path / "layer").stat().st_size < 10_000
    with pytest.raises(layers.BadLayer, match="more than"):
        unpacked(tmp_path / "layer", layers.Caps(bytes=1_000_000))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_that_fill_the_memory_are_refused(kind: bytes, tmp_path: Path) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = kind, 100_000_000
    header = entry.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "layer").write_bytes(zstandard.compress(header + bytes(entry.size) + bytes(1024)))
    with pytest.raises(layers.BadLayer, match="no file's"):
        unpacked(tmp_path / "layer")
