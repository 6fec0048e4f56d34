"""Short ways to fill a marketplace and to look into it."""

from __future__ import annotations

from typing import Any

import httpx
from code_project import SCRIPT, Code

MANIFEST = """\
name: {name}
kind: operation
entry: augment.py
environment: python-3.11
{more}
"""


async def found(client: httpx.AsyncClient, **query: Any) -> list[str]:
    """Slugs on the page."""
    return [one["slug"] for one in (await market(client, **query))["items"]]


async def market(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    """The whole answer."""
    answer = await client.get("/api/v1/processors", params=query)
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


async def facet(client: httpx.AsyncClient, name: str, **query: Any) -> dict[str, int]:
    """The counts of one facet."""
    whole = await market(client, facets=True, **query)
    return {one["value"]: one["count"] for one in whole["facets"][name]}


def project(code: Code, path: str, *, visibility: str = "public", files: dict[str, str] | None = None) -> Code:
    """A project to publish from."""
    content = {"augment.py": SCRIPT, **(files or {})}
    made = code.forge.add_project(path, visibility=visibility, members={"ada": 40}, files=content)
    return Code(code.forge, code.client, made, code.maintainer)


async def publish_in(code: Code, path: str, name: str, *, visibility: str = "public", **fields: Any) -> dict[str, Any]:
    """A published processor in a project of its own."""
    done = await project(code, path, visibility=visibility).published(name=name, **fields)
    assert done["status"] == "succeeded", done
    return done


async def version(code: Code, number: str, **fields: Any) -> str:
    """One more version of `augment`; its id."""
    done = await code.published(version=number, **fields)
    assert done["status"] == "succeeded", done
    identity: str = done["version_id"]
    return identity


async def change(code: Code, version_id: str, verb: str, body: Any = None) -> httpx.Response:
    """Deprecate, unpublish... a version as a maintainer."""
    return await code.maintainer.post(f"/api/v1/processor-versions/{version_id}/{verb}", json=body)


async def processor(code: Code, slug: str = "g/code/augment") -> dict[str, Any]:
    """A processor as its page shows it."""
    answer = await code.maintainer.get(f"/api/v1/processors/{slug}")
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole
