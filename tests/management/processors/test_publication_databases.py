"""Publication and marketplace on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from code_project import Code

from mlreef.management import Settings


@pytest.fixture
def settings(settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"database_url": database_url, "signing_key_file": tmp_path / "signing.key"})


async def test_of_concurrent_publications_each_takes_a_number_of_its_own(code: Code) -> None:
    answers = await asyncio.gather(*(code.publish() for _ in range(4)))
    assert sorted(one.json()["version"] for one in answers) == ["1.0.0", "1.0.1", "1.0.2", "1.0.3"]
    named = await asyncio.gather(*(code.publish(version="2.0.0") for _ in range(4)))
    assert sorted(one.status_code for one in named) == [202, 409, 409, 409]


async def test_what_is_published_is_found(code: Code) -> None:
    done = await code.published()
    listed = (await code.maintainer.get("/api/v1/processors?search=turns&kind=operation&sort=usage")).json()
    assert [one["id"] for one in listed["items"]] == [done["processor"]["id"]]
    version = (await code.maintainer.get(f"/api/v1/processor-versions/{done['version_id']}")).json()
    assert version["packages"] == ["numpy==2.1"]


async def test_reports_of_one_job_at_the_same_time_make_one_version(code: Code) -> None:
    started = (await code.publish()).json()
    answers = await asyncio.gather(*(code.build(started) for _ in range(4)), return_exceptions=True)
    assert any(getattr(one, "status_code", 0) == 200 for one in answers)
    found = (await code.maintainer.get("/api/v1/processors/g/code/augment")).json()
    assert len(found["versions"]) == 1
