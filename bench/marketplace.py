"""How long the marketplace takes with 100,000 processors, on SQLite and on PostgreSQL.

Every request goes through the whole service over a forge in memory: who asks, what they may see, words, filters,
facets, the page's rows, JSON.
`python bench/marketplace.py [--processors 100000] [--requests 400] [--database postgresql]`
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "management")]

from fake_forge import MANAGEMENT, URL, FakeForge  # noqa: E402

from mlreef.kit import logs  # noqa: E402
from mlreef.management import Settings, create_app  # noqa: E402
from mlreef.management.processors import market_store, market_text  # noqa: E402
from mlreef.management.processors.tables import processors, versions  # noqa: E402
from support import postgres  # noqa: E402

VERBS = """resize crop rotate augment denoise clean tokenise split encode join train classify detect segment embed
cluster forecast plot project normalise filter sample translate summarise transcribe align merge""".split()  # noqa: SIM905
THINGS = """images text tables audio spectrograms video frames documents sentences signals sensors molecules genomes
faces plants satellites roads x-rays cells galaxies prices orders tweets reviews logs""".split()  # noqa: SIM905
HOW = """fast robust simple deep gradient boosted convolutional recurrent attention bayesian sparse random linear
spectral hierarchical contrastive federated incremental calibrated weighted adaptive streaming""".split()  # noqa: SIM905
TAGS = [f"{a}-{b}" for a in ("image", "text", "tabular", "audio", "time") for b in VERBS] + THINGS
FACTS: dict[str, list[str]] = {
    "kind": ["operation", "operation", "operation", "algorithm", "algorithm", "visualization"],
    "environment": ["python-3.11", "scikit-learn", "tensorflow-2", "pytorch-2", "pytorch-2-gpu"],
    "framework": ["Python", "scikit-learn", "TensorFlow", "PyTorch"],
    "licence": ["Apache-2.0", "MIT", "BSD-3-Clause", "GPL-3.0-only", ""],
    "model_type": ["", "", "classification", "regression", "clustering", "generation", "segmentation"],
    "ml_category": ["", "", "supervised", "unsupervised", "reinforcement"],
}
TYPES = ["image", "text", "tabular", "audio", "video", "time series", "model", "any"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processors", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--out")
    options = parser.parse_args()
    logs.configure(json=False, level="WARNING")
    found = {}
    for name in [options.database] if options.database else ["sqlite", "postgresql"]:
        if name == "sqlite":
            with tempfile.TemporaryDirectory(prefix="mlreef-bench-") as folder:
                found[name] = asyncio.run(measure(f"sqlite:///{folder}/management.db", options))
        else:
            with postgres.server() as url:
                found[name] = asyncio.run(measure(f"{url}?schema=management", options))
    if options.out:
        Path(options.out).write_text(json.dumps(found, indent=1))


async def measure(url: str, options: argparse.Namespace) -> dict[str, Any]:
    forge = FakeForge()
    settings = Settings(
        database_url=url, external_url=MANAGEMENT, forge_url=URL, hook_secret="s", service_token="",
        reconcile_seconds=3600, mirror_seconds=36_000, verify_seconds=0, visible_seconds=3600, access_seconds=3600,
    )  # fmt: skip
    app = create_app(settings, transport=forge.transport)
    state = app.state.management
    await state.db.migrate()
    print(f"\n{url.partition(':')[0]}: {options.processors:,} processors")
    started = time.perf_counter()
    hidden = await fill(state.db, options.processors)
    print(f"  written in {time.perf_counter() - started:.0f} s")
    callers = people(forge, hidden)
    result: dict[str, Any] = {}
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        clients = [
            httpx.AsyncClient(transport=transport, base_url=MANAGEMENT, headers={"private-token": one} if one else {})
            for one in callers
        ]
        started = time.perf_counter()
        (await clients[0].get("/api/v1/processors")).raise_for_status()
        result["first answer, s"] = round(time.perf_counter() - started, 2)
        print(f"  first answer (the index is read into memory): {result['first answer, s']} s")
        for title, queries in QUERIES.items():
            for together in (1, 4):
                result[f"{title}, {together} at a time"] = await timed(
                    clients, queries, options.requests, together, title
                )
        for client in clients:
            await client.aclose()
    return result


async def timed(clients: list[Any], queries: Any, requests: int, together: int, title: str) -> dict[str, float]:
    chance = random.Random(7 + together)
    waiting: Iterator[int] = iter(range(requests))
    seconds: list[float] = []

    async def caller() -> None:
        for _ in waiting:
            client, query = chance.choice(clients), queries(chance)
            started = time.perf_counter()
            answer = await client.get("/api/v1/processors", params=query)
            seconds.append(time.perf_counter() - started)
            assert answer.status_code == 200, answer.text

    processor_time = time.process_time()
    await asyncio.gather(*(caller() for _ in range(together)))
    processor_time = (time.process_time() - processor_time) / requests
    cuts = statistics.quantiles(seconds, n=100)
    found = {"p50": cuts[49], "p95": cuts[94], "max": max(seconds), "processor time": processor_time}
    shown = ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in found.items())
    print(f"  {title:<44} {together} at a time: {shown}")
    return {name: round(value * 1000, 2) for name, value in found.items()}


def _words(chance: random.Random, many: int) -> str:
    pool = [VERBS, THINGS, HOW]
    return " ".join(chance.choice(chance.choice(pool)) for _ in range(many))


QUERIES = {
    "one word, facets": lambda c: {"search": _words(c, 1), "facets": "true"},
    "two words": lambda c: {"search": _words(c, 2)},
    "three words, facets": lambda c: {"search": _words(c, 3), "facets": "true"},
    "word and beginning, filter, facets": lambda c: {
        "search": f"{_words(c, 1)} {_words(c, 1)[:3]}", "kind": c.choice(FACTS["kind"]), "facets": "true",
    },
    "no words, two filters, facets, by usage": lambda c: {
        "kind": c.choice(FACTS["kind"]), "environment": c.choice(FACTS["environment"]), "facets": "true",
        "sort": c.choice(["usage", "stars", "recent", "name"]), "page": c.randint(1, 30),
    },
    "never asked before: a word with a number": lambda c: {
        "search": f"{_words(c, 1)} variant{c.randint(0, 2000)}", "facets": "true",
    },
}  # fmt: skip


def people(forge: FakeForge, hidden: list[tuple[int, str, str]]) -> list[str]:
    """An anonymous visitor, a stranger, somebody with 300 projects, an administrator."""
    stranger, member, admin = forge.add_user("eve"), forge.add_user("ada"), forge.add_user("root", admin=True)
    private = 0
    for project_id, path, visibility in hidden:
        mine = visibility == "private" and private < 300
        private += mine
        repo = forge.add_project(path, visibility=visibility, members={"ada": 30} if mine else {})
        forge.projects[project_id] = forge.projects.pop(repo.id)
        repo.id = project_id
    return ["", stranger.token, member.token, admin.token]


async def fill(db: Any, many: int) -> list[tuple[int, str, str]]:
    """Write processors of three per project; gives the projects that are not public."""
    chance = random.Random(1)
    vocabulary = [*VERBS, *THINGS, *HOW, *(f"variant{number}" for number in range(2000))]
    chance.shuffle(vocabulary)  # what is often asked for is not what every text is full of
    weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(len(vocabulary))))
    hidden: dict[int, tuple[int, str, str]] = {}
    for start in range(0, many, 1000):
        rows = [_row(chance, number, vocabulary, weights) for number in range(start, min(many, start + 1000))]
        for row in rows:
            if row["visibility"] != "public":
                hidden[row["project_id"]] = (row["project_id"], row["project_path"], row["visibility"])
        parameters = [{"name": name, "help": f"the {name}"} for name in ("input_path", "output_path", "threshold")]
        async with db.write() as tx:
            await tx.execute(insert(processors), rows)
            await tx.execute(insert(versions), [_version(row) for row in rows])
            texts = [(int(row["id"][4:]) + 1, row["id"], market_text.texts(row, parameters)) for row in rows]
            await market_store.add_many(tx, texts)
    return list(hidden.values())


def _row(chance: random.Random, number: int, vocabulary: list[str], weights: list[float]) -> dict[str, Any]:
    def told(many: int) -> str:
        return " ".join(chance.choices(vocabulary, cum_weights=weights, k=many))

    project = number // 3
    of_project = random.Random(project)
    verb, thing = chance.choice(VERBS), chance.choice(THINGS)
    single = {name: chance.choice(values) or None for name, values in FACTS.items()}
    return {
        **single,
        "id": f"prc_{number}",
        "project_id": project + 1000,
        "project_path": f"group{of_project.randint(0, 5000)}/{thing}-{project}",
        "name": f"{verb}-{number}",
        "title": f"{verb.title()} {thing} {chance.choice(HOW)}",
        "description": told(30),
        "readme": told(150),
        "input_types": chance.sample(TYPES, chance.randint(1, 2)),
        "output_types": chance.sample(TYPES, 1),
        "tags": chance.sample(TAGS, chance.randint(0, 4)),
        "framework": single["framework"] or "",
        "visibility": of_project.choices(["public", "internal", "private"], [80, 10, 10])[0],
        "star_count": int(of_project.paretovariate(1)) - 1,
        "usage_count": int(chance.paretovariate(0.8)) - 1,
        "latest_version_id": f"ver_{number}",
        "verified_version_id": f"ver_{number}" if chance.random() < 0.2 else None,
        "search_text": "",
        "created_at": NOW,
        "published_at": NOW - timedelta(minutes=chance.randint(0, 10**6)),
    }


def _version(row: dict[str, Any]) -> dict[str, Any]:
    number = row["id"][4:]
    parameter = {"name": "threshold", "type": "float", "flag": "--threshold", "required": False, "default": 0.5}
    return {
        "id": f"ver_{number}", "processor_id": row["id"], "version": "1.0.0", "major": 1, "minor": 0, "patch": 0,
        "kind": row["kind"], "commit": "c" * 40, "entry": "main.py", "command": ["python3", "main.py"],
        "parameters": [{**parameter, "name": f"threshold_{i}"} for i in range(6)], "image": f"r/{number}@sha256:0",
        "digest": "sha256:" + "0" * 64, "environment": row["environment"], "base_image": "", "packages": [],
        "status": "published", "publication_id": f"pub_{number}", "published_by_id": 1, "published_by": "ada",
        "published_at": row["published_at"],
    }  # fmt: skip


if __name__ == "__main__":
    main()
