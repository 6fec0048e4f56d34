"""HTTP of the marketplace: search, processors of a project, one processor with its versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from mlreef.kit import paging
from mlreef.kit.errors import not_found
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import ProjectAccess
from mlreef.management.processors import answers, marketplace, store, verification_store

router = APIRouter()

Number = Annotated[int, Query(ge=1, lt=10**9)]
Values = Annotated[list[str] | None, Query(max_length=50)]
Sort = Literal["relevance", "recent", "name", "usage", "stars"]
_RECENT = timedelta(days=30)


@router.get("/processors", response_model=answers.ProcessorPage, openapi_extra={"policy": "visible"})
async def search_processors(
    caller: guards.Visitor,
    state: guards.Resources,
    *,
    search: Annotated[str, Query(description='Words, and "phrases"; the last word may be a beginning.')] = "",
    kind: Values = None,
    input_type: Values = None,
    output_type: Values = None,
    model_type: Values = None,
    ml_category: Values = None,
    environment: Values = None,
    framework: Values = None,
    licence: Values = None,
    tag: Values = None,
    owner: Values = None,
    verified: bool | None = None,
    mine: Annotated[bool, Query(description="Of projects that the caller is a member of.")] = False,
    starred: Annotated[bool, Query(description="Of projects that the caller has given a star.")] = False,
    min_stars: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    sort: Annotated[Sort | None, Query(description="Default: relevance with `search`, else recent.")] = None,
    facets: bool = False,
    page: Number = 1,
    per_page: Number = 20,
) -> Response:
    """The marketplace: processors of all projects that the caller may see. Filters repeat: OR in one, AND between."""
    given = {
        "kind": kind,
        "input_type": input_type,
        "output_type": output_type,
        "model_type": model_type,
        "ml_category": ml_category,
        "environment": environment,
        "framework": framework,
        "licence": licence,
        "tag": tag,
        "owner": owner,
        "verified": ["true"] if verified else None,
    }
    query = marketplace.Query(
        search=search,
        filters={name: values for name, one in given.items() if (values := tuple(text for text in one or () if text))},
        min_stars=min_stars,
        mine=mine,
        starred=starred,
        sort=sort or ("relevance" if search.strip() else "recent"),
        facets=facets,
    )
    wanted = paging.parse(page, per_page)
    found = await marketplace.search(marketplace.of(state), state.db, state.access, caller, query, page=wanted)
    # The answer is a model already: checking it once more would cost as much as the search.
    return Response(answers.page(found).model_dump_json(by_alias=True), media_type="application/json")


@router.get("/projects/{pid}/processors", openapi_extra={"policy": Action.READ_PROJECT})
async def list_project_processors(
    access: Annotated[ProjectAccess, guards.project(Action.READ_PROJECT)],
    state: guards.Resources,
    page: Number = 1,
    per_page: Number = 20,
) -> answers.ProcessorPage:
    """Processors that were published from a project, also those without a version that can be chosen."""
    return answers.page(await marketplace.of_project(state.db, access.project.id, paging.parse(page, per_page)))


@router.get("/processors/{processor:path}", openapi_extra={"policy": Action.READ_PROJECT})
async def get_processor(processor: str, caller: guards.Visitor, state: guards.Resources) -> answers.WholeProcessor:
    """A processor with all its versions, by id or slug (`group/project/name`)."""
    if not processor.isprintable() or len(processor) > 1000:
        raise not_found("Processor")
    async with state.db.read() as tx:
        find = store.find_by_slug if "/" in processor else store.find_processor
        found = await find(tx, processor)
    if found is None:
        raise not_found("Processor")
    await guards.hiding(state.access.project(caller, found.project_id, Action.READ_PROJECT), "Processor")
    async with state.db.read() as tx:
        versions = await store.list_versions(tx, found.id)
        usage = await store.usage(tx, found.id, state.clock.now() - _RECENT)
        verification = await verification_store.find_last(tx, found.latest_version_id or "")
    return answers.whole(found, versions, usage, verification)
