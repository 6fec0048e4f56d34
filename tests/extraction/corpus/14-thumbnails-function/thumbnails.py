"""Makes thumbnails."""
from pathlib import Path
from typing import Literal, Optional

from PIL import Image


def make_thumbnails(
    input_dir: Path,
    output_dir: Path,
    size: int = 128,
    fmt: Literal["jpeg", "png", "webp"] = "jpeg",
    quality: Optional[int] = None,
    crop: bool = False,
    background: tuple[int, int, int] = (255, 255, 255),
) -> int:
    """Write a thumbnail of every picture.

    Parameters
    ----------
    input_dir : Path
        Folder of pictures.
    output_dir : Path
        Folder that thumbnails are written to.
    size : int
        Longest side in pixels.
    fmt : str
        File format.
    quality : int, optional
        Quality of lossy formats.
    crop : bool
        Cut to a square.
    background : tuple
        Colour behind transparent pictures.

    Returns
    -------
    int
        Number of thumbnails.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    count = 0
    for path in sorted(input_dir.iterdir()):
        with Image.open(path) as image:
            image = image.convert("RGB")
            if crop:
                side = min(image.size)
                image = image.crop((0, 0, side, side))
            image.thumbnail((size, size))
            image.save(output_dir / f"{path.stem}.{fmt}", quality=quality or 90)
            count += 1
    return count


if __name__ == "__main__":
    make_thumbnails(Path("images"), Path("thumbnails"), size=256)
