"""One slot's directory: made empty for a job, wiped after it, whatever the job left in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlreef.kit.errors import conflict
from mlreef.runner.executors.base import PARTS


@dataclass(frozen=True, slots=True)
class Workplace:
    """`job` is what the job sees parts of; `private` is the runner's own: log, credentials, archives, socket."""

    slot: int
    job: Path
    private: Path

    @property
    def folder(self) -> Path:
        """All of it."""
        return self.private.parent

    @property
    def log(self) -> Path:
        """The job's log."""
        return self.private / "trace.log"

    @property
    def held(self) -> Path:
        """What an interrupted job is reported with; see `interrupted`."""
        return self.private / "held.json"


def of(work_dir: Path, slot: int) -> Workplace:
    """Where a slot's things are, whether they exist or not."""
    folder = work_dir / f"slot-{slot}"
    return Workplace(slot, folder / "job", folder / "private")


def left(work_dir: Path) -> list[Workplace]:
    """Workplaces that an earlier life did not wipe."""
    return [of(work_dir, int(folder.name.removeprefix("slot-"))) for folder in work_dir.glob("slot-*")]


@contextmanager
def made(work_dir: Path, slot: int) -> Iterator[Workplace]:
    """A fresh workplace for the time of a job."""
    place = of(work_dir, slot)
    wipe(place.folder)
    for part in PARTS:
        (place.job / part).mkdir(parents=True)
    place.private.mkdir()
    place.private.chmod(0o700)
    try:
        yield place
    finally:
        wipe(place.folder)


def wipe(place: Path) -> None:
    """Remove a directory, also when what is in it was made unremovable."""
    if not place.exists():
        return
    shutil.rmtree(place, ignore_errors=True)
    if place.exists():
        for directory, names, _ in os.walk(place, topdown=True):
            for name in names:
                if not (Path(directory) / name).is_symlink():
                    with contextlib.suppress(OSError):
                        (Path(directory) / name).chmod(0o700)
        shutil.rmtree(place)


@contextmanager
def locked(work_dir: Path) -> Iterator[None]:
    """Hold the work directory: two runners in one would wipe each other's jobs."""
    work_dir.mkdir(parents=True, exist_ok=True)
    with (work_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise conflict(f"another runner works in {work_dir}: give each its own work directory") from exc
        yield
