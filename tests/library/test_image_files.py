"""Images as they come: turned by cameras, of 16 bits, with alpha, broken, of one name in two formats."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[str]]
OPERATIONS = {
    "image-augment/augment.py": ["--rotate", 0, "--shift", 0, "--zoom", 0],
    "image-colour/colour.py": ["--brightness", 0.9],
    "image-crop/crop.py": ["--share", 0.9],
    "image-denoise/denoise.py": [],
    "image-distort/distort.py": ["--strength", 0.01],
    "image-noise/noise.py": ["--amount", 0.01],
    "image-resize/resize.py": ["--width", 20, "--height", 40],
    "image-rotate/rotate.py": ["--angle", 0],
}
every = pytest.mark.parametrize("program", OPERATIONS)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A turned photograph, a picture of 16 bits, one with alpha, a broken one, and two of one name."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "a").mkdir()
    photo, turned = Image.new("RGB", (40, 20), "red"), Image.Exif()
    photo.paste("blue", (0, 0, 20, 20))
    turned[0x0112] = 6  # to be turned by a quarter to the right
    photo.save(folder / "a/photo.jpg", exif=turned, quality=95)
    Image.fromarray(np.full((20, 20), 40_000, np.uint16)).save(folder / "a/deep.png")
    Image.new("RGBA", (20, 20), (10, 200, 30, 77)).save(folder / "a/clear.png")
    (folder / "a/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    Image.new("L", (20, 20), 10).save(folder / "a/same.png")
    Image.new("L", (20, 20), 200).save(folder / "a/same.bmp")
    Image.new("L", (20, 20), 99).save(folder / "a/same-1.png")
    return folder


@pytest.fixture(scope="module")
def results(source: Path, run_here: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, str]]:
    """Output and messages of each operation, run once."""
    known: dict[str, tuple[Path, str]] = {}

    def result(program: str) -> tuple[Path, str]:
        if program not in known:
            target = tmp_path_factory.mktemp("out")
            done = run_here(program, "--input-path", source, "--output-path", target, *OPERATIONS[program])
            assert done.returncode == 0, done.stderr
            known[program] = target, done.stderr
        return known[program]

    return result


Results = Callable[[str], tuple[Path, str]]


@every
def test_photographs_are_upright(results: Results, program: str) -> None:
    with Image.open(results(program)[0] / "a/photo.jpg") as image:
        assert image.height > image.width
        assert image.getexif().get(0x0112, 1) == 1
        top = image.convert("RGB").getpixel((image.width // 2, image.height // 8))
    assert top[2] > top[0]


@every
def test_sixteen_bits_stay(results: Results, program: str) -> None:
    with Image.open(results(program)[0] / "a/deep.png") as image:
        middle = image.getpixel((10, 10))
        if program.startswith("image-colour"):  # its factors are of 8 bits
            assert abs(middle - 40_000 / 257 * 0.9) < 2
        else:
            assert image.mode.startswith("I")
            assert abs(middle - 40_000) < 3000


@every
def test_alpha_stays(results: Results, program: str) -> None:
    with Image.open(results(program)[0] / "a/clear.png") as image:
        assert image.mode == "RGBA"
        assert abs(image.getpixel((10, 10))[3] - 77) <= 1


@every
def test_a_broken_image_is_named_and_left_out(results: Results, program: str) -> None:
    target, told = results(program)
    assert "warning: broken.png is left out" in told
    assert not (target / "a/broken.png").exists()


@every
def test_no_file_replaces_another(results: Results, program: str) -> None:
    target = results(program)[0] / "a"
    found = {name: np.asarray(Image.open(target / name)).mean() for name in ("same.png", "same.bmp", "same-1.png")}
    assert found["same.png"] < 30 < found["same-1.png"] < 150 < found["same.bmp"]
    if program.startswith("image-augment"):
        assert (target / "same-2.png").exists()


@pytest.mark.parametrize("program", [*OPERATIONS, "image-thumbnails/thumbnails.py", "image-grid/image_grid.py"])
def test_broken_images_alone_are_a_failure(run_here: Run, tmp_path: Path, program: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/broken.png").write_bytes(b"no picture")
    result = run_here(program, "--input-path", tmp_path / "in", "--output-path", tmp_path / "out")
    assert result.returncode == 1
    assert "warning: broken.png is left out" in result.stderr
    assert "none of the" in result.stderr


def test_thumbnails_are_made_of_all_that_can_be_read(run_here: Run, source: Path, tmp_path: Path) -> None:
    result = run_here("image-thumbnails/thumbnails.py", "--input-path", source, "--output-path", tmp_path, "--side", 10)
    assert result.returncode == 0, result.stderr
    assert "warning: broken.png is left out" in result.stderr
    with (tmp_path / "index.csv").open(newline="") as file:
        index = {row["image"]: row for row in csv.DictReader(file)}
    assert len(index) == 6
    assert (index["a/photo.jpg"]["width"], index["a/photo.jpg"]["height"]) == ("20", "40")
    with Image.open(tmp_path / "a/deep.png.jpg") as image:
        assert abs(image.getpixel((5, 5))[0] - 155) < 4


def test_a_grid_shows_the_next_image_for_a_broken_one(run_here: Run, source: Path, tmp_path: Path) -> None:
    options = ["--columns", 7, "--side", 16, "--input-path", source, "--output-path", tmp_path]
    result = run_here("image-grid/image_grid.py", *options)
    assert result.returncode == 0, result.stderr
    assert "warning: broken.png is left out" in result.stderr
    with Image.open(tmp_path / "grid.png") as sheet:
        places = [sheet.crop((120 + 20 * n, 0, 136 + 20 * n, 16)).getextrema() for n in range(7)]
    assert [place == ((255, 255),) * 3 for place in places] == [False] * 6 + [True]
