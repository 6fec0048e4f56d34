"""The code project that publications of these tests come from."""

from __future__ import annotations

import pytest
from code_project import BASE, SCRIPT, Client, Code
from fake_forge import FakeForge


@pytest.fixture
async def code(forge: FakeForge, client: Client) -> Code:
    admin = forge.add_user("root", admin=True)
    ada = forge.add_user("ada")
    project = forge.add_project("g/code", members={"ada": 40}, files={"augment.py": SCRIPT})
    answer = await client(admin).post("/api/v1/environments", json={"name": "python-3.11", "image": BASE})
    assert answer.status_code == 201, answer.text
    return Code(forge, client, project, client(ada))
