"""For administrators: how much namespaces hold and may hold, and the garbage collection.

Below `/v2/_mlreef`, where no repository can be: their names begin with a letter or digit. The token is the one that
opens the catalogue (`registry:catalog:*`).
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from mlreef.registry import collection, guards, schemas, store
from mlreef.registry.state import State, of
from mlreef.registry.wire import name_unknown, repository_name

router = APIRouter(prefix="/v2/_mlreef")
Here = Annotated[State, Depends(of)]
_ADMIN = {"policy": "registry.admin"}
_MOST = 1000


@router.get("/namespaces", openapi_extra=_ADMIN)
async def list_namespaces(
    request: Request, state: Here, n: Annotated[int, Query(ge=1, le=_MOST)] = _MOST, last: str = ""
) -> Response:
    """Namespaces with what they hold and may hold, in order of their names."""
    await guards.administrator(state, request)
    async with state.db.read() as tx:
        rows = await store.list_namespaces(tx, last, n)
    return JSONResponse({"namespaces": [_namespace(state, row) for row in rows]})


@router.put("/namespaces/{namespace}", openapi_extra=_ADMIN)
async def set_quota(request: Request, state: Here, namespace: str, given: schemas.Quota) -> Response:
    """Give a namespace a quota of its own (0: none at all), or the default again with null."""
    await guards.administrator(state, request)
    if "/" in repository_name(namespace):
        raise name_unknown(namespace)
    async with state.db.write() as tx:
        found = await store.ensure_namespace(tx, namespace)
        await store.set_quota(tx, found, given.quota_bytes)
        row = await store.lock_namespace(tx, found)
    state.unlimited.pop(namespace, None)
    return JSONResponse(_namespace(state, row))


@router.post("/gc", openapi_extra=_ADMIN)
async def collect(request: Request, state: Here, given: schemas.Collection) -> Response:
    """Collect garbage now, or tell what would be removed."""
    await guards.administrator(state, request)
    report = await collection.run(state, dry_run=given.dry_run)
    return JSONResponse(report.to_json())


def _namespace(state: State, row: Any) -> dict[str, Any]:
    quota = state.settings.quota_bytes if row["quota"] is None else row["quota"]
    own = row["quota"] is not None
    return {"name": row["name"], "used_bytes": row["used"], "quota_bytes": quota or None, "own_quota": own}
