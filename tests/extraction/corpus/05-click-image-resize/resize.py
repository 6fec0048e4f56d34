import logging
from pathlib import Path

import click
from PIL import Image
from tqdm import tqdm

log = logging.getLogger(__name__)

FILTERS = {
    "nearest": Image.NEAREST,
    "bilinear": Image.BILINEAR,
    "lanczos": Image.LANCZOS,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("input_dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("output_dir", type=click.Path(file_okay=False, path_type=Path))
@click.option("-s", "--size", nargs=2, type=int, default=(256, 256), show_default=True, help="Width and height in pixels.")
@click.option("--filter", "resample", type=click.Choice(list(FILTERS), case_sensitive=False), default="lanczos", show_default=True)
@click.option("--keep-ratio/--no-keep-ratio", default=True, help="Keep the aspect ratio and pad.")
@click.option("--quality", type=click.IntRange(1, 100), default=90, show_default=True, help="JPEG quality")
@click.option("--ext", "extensions", multiple=True, default=(".jpg", ".png"), help="File types to take.")
@click.option("-v", "--verbose", count=True)
@click.version_option("0.3.1")
def main(input_dir, output_dir, size, resample, keep_ratio, quality, extensions, verbose):
    """Resize all images of a folder.

    Subfolders are kept as they are.
    """
    logging.basicConfig(level=logging.WARNING - 10 * verbose)
    files = [p for p in sorted(input_dir.rglob("*")) if p.suffix.lower() in extensions]
    for path in tqdm(files):
        target = output_dir / path.relative_to(input_dir)
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image = image.convert("RGB")
            if keep_ratio:
                image.thumbnail(size, FILTERS[resample])
            else:
                image = image.resize(size, FILTERS[resample])
            image.save(target, quality=quality)
    click.echo(f"{len(files)} images")


if __name__ == "__main__":
    main()
