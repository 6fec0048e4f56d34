"""Sounds as they come, and pictures of data: empty and broken files, folders of one name, the ways of an embedding."""

from __future__ import annotations

import csv
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "processors"
Run = Callable[..., subprocess.CompletedProcess[str]]
SOUNDS = {"audio-resample/resample.py": "wav", "audio-spectrogram/spectrogram.py": "png", "audio-trim/trim.py": "wav"}
pytestmark = pytest.mark.slow


def sound(path: Path, samples: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, samples, "NONE", ""))
        file.writeframes(b"\x00\x40\x00\xc0" * (samples // 2))


@pytest.mark.parametrize("program", SOUNDS)
def test_sounds_that_are_empty_or_broken_are_left_out(python: Path, run: Run, tmp_path: Path, program: str) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    sound(source / "long.wav", 8000)
    sound(source / "empty.wav", 0)
    (source / "broken.wav").write_bytes(b"no sound")
    copy = "import soundfile, sys; soundfile.write(sys.argv[2], *soundfile.read(sys.argv[1]))"
    subprocess.run([python, "-c", copy, source / "long.wav", source / "long.flac"], check=True)
    result = run(program, "--input-path", source, "--output-path", target)
    assert result.returncode == 0, result.stderr
    assert "warning: empty.wav is left out: it has no samples" in result.stderr
    assert "warning: broken.wav is left out" in result.stderr
    made = [f"long.flac.{SOUNDS[program]}", f"long.wav.{SOUNDS[program]}"]
    assert sorted(path.name for path in target.iterdir()) == made


@pytest.mark.parametrize("program", SOUNDS)
def test_empty_sounds_alone_are_a_failure(run: Run, tmp_path: Path, program: str) -> None:
    sound(tmp_path / "empty.wav", 0)
    result = run(program, "--input-path", tmp_path, "--output-path", tmp_path / "out")
    assert result.returncode == 1
    assert "none of the 1 sound files" in result.stderr


def test_class_balance_tells_folders_of_one_name_apart(run: Run, tmp_path: Path) -> None:
    for name in ("train/cat/1", "train/cat/2", "train/dog/1", "test/cat/1", "notes"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    found = {}
    for by in ("path", "name"):
        done = run(
            "class-balance/class_balance.py",
            "--input-path",
            tmp_path / "in",
            "--output-path",
            tmp_path / by,
            "--group-by",
            by,
        )
        assert done.returncode == 0, done.stderr
        with (tmp_path / by / "class_balance.csv").open(newline="") as file:
            found[by] = {row["class"]: int(row["files"]) for row in csv.DictReader(file)}
    assert found["path"] == {"(no folder)": 1, "test/cat": 1, "train/cat": 2, "train/dog": 1}
    assert found["name"] == {"(no folder)": 1, "cat": 3, "dog": 1}


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_every_way_of_an_embedding_gives_points(run: Run, tmp_path: Path, method: str) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "broken.png").write_bytes(b"no picture")
    pictures = sorted((LIBRARY / "image-embedding/reference").rglob("*.png"))
    for path in pictures:
        (source / path.parent.name).mkdir(exist_ok=True)
        (source / path.parent.name / path.name).write_bytes(path.read_bytes())
    options = ["--input-path", source, "--output-path", tmp_path, "--method", method]
    result = run("image-embedding/embedding.py", *options)
    assert result.returncode == 0, result.stderr
    assert "warning: broken.png is left out" in result.stderr
    with (tmp_path / "embedding.csv").open(newline="") as file:
        points = {(row["x"], row["y"]) for row in csv.DictReader(file)}
    assert len(points) > len(pictures) * 0.9
