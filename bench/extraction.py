"""Time to read the parameters of a program: of 1,000 lines, of the corpus, in this process and in a worker."""

from __future__ import annotations

import ast
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mlreef.extraction.isolation import Pool
from mlreef.extraction.service import extract

ROUNDS = 30
LIMIT_MS = 50.0
CORPUS = Path(__file__).resolve().parents[1] / "tests" / "extraction" / "corpus"


def script(lines: int) -> bytes:
    """A training script: a third of its lines, at most 400, are options, the rest is work."""
    options = [
        f"    parser.add_argument('--option-{n}', type=int, default={n}, help='number {n} (default: %(default)s)')"
        for n in range(min(lines // 3, 400))
    ]
    work: list[str] = []
    for n in range((lines - len(options)) // 6):
        work += [f"def step_{n}(model, batch, rate={n} * 1e-4):", "    loss = model(batch).mean() * rate"]
        work += [
            "    if loss.item() > 1.0:",
            "        model.reset(batch, [x for x in range(10)])",
            "    return loss",
            "",
        ]
    head = ["import argparse", "import torch", "", "def get_parser():", "    parser = argparse.ArgumentParser()"]
    tail = ["    return parser", "", "if __name__ == '__main__':", "    args = get_parser().parse_args()"]
    return "\n".join([*work, *head, *options, *tail]).encode()


def timed(action: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Milliseconds of each round."""
    found = []
    for _ in range(ROUNDS):
        start = clock()
        action()
        found.append((clock() - start) * 1000)
    return found


def show(title: str, values: list[float], limit: float | None = None) -> None:
    median = statistics.median(values)
    ratio = f"  {median / limit:5.2f} of the {limit:.0f} ms allowed" if limit else ""
    print(f"{title:<46} {median:8.2f} ms  [{min(values):.2f}..{max(values):.2f}]{ratio}")


async def in_workers(content: bytes) -> list[float]:
    found = []
    async with Pool() as pool:
        await pool.extract(content, "train.py")
        for _ in range(ROUNDS):
            start = time.perf_counter()
            await pool.extract(content, "train.py")
            found.append((time.perf_counter() - start) * 1000)
    return found


def imported() -> list[float]:
    """Milliseconds that importing the library adds to a start of Python."""
    found = []
    for statement in ("pass", "import mlreef.extraction.service"):
        command = [sys.executable, "-I", "-c", statement]
        found.append(statistics.median(timed(lambda command=command: subprocess.run(command, check=True))))
    return [found[1] - found[0]]


def main() -> None:
    content = script(1000)
    print(f"{len(content.splitlines())} lines, {len(extract(content, 'train.py').parameters)} parameters")
    show("a script of 1,000 lines", timed(lambda: extract(content, "train.py")), LIMIT_MS)
    show("... processor time alone", timed(lambda: extract(content, "train.py"), time.thread_time), LIMIT_MS)
    show("... of which Python's own parser", timed(lambda: ast.parse(content), time.thread_time))
    show("the same in a worker process", asyncio.run(in_workers(content)), LIMIT_MS)
    large = script(10_000)
    show("a script of 10,000 lines", timed(lambda: extract(large, "train.py")))
    programs = [path.read_bytes() for path in sorted(CORPUS.glob("*/*.py"))]
    show(f"{len(programs)} files of the corpus, each", [
        value / len(programs) for value in timed(lambda: [extract(one, "train.py") for one in programs])
    ])  # fmt: skip
    show("importing the library", imported())


if __name__ == "__main__":
    main()
