"""Every route of the management service x every caller x every visibility, against a table that is written here.

A route that the table does not list fails the build. The expected answers are derived from the role alone, not from the
service's own policy, so that the two must agree.
"""

from __future__ import annotations

from typing import Any

import access_world
import pytest
from access_world import LEVELS, ROLES, World
from code_project import BASE, Client
from fake_forge import FakeForge
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

pytestmark = pytest.mark.slow

P = "/api/v1/projects/{pid}"
R = "/api/v1/runs/{run_id}"
J = "/api/v1/jobs/current"
PUBLISH = {"ref": "main", "entry": "a.py", "name": "augment", "kind": "operation", "environment": "python-3.11"}

# (method, path): (rule, body); a rule is public, hook, job, admin, visible, or what a project must grant.
TABLE: dict[tuple[str, str], tuple[str, Any]] = {
    ("GET", "/-/health"): ("public", None),
    ("GET", "/-/liveness"): ("public", None),
    ("GET", "/-/readiness"): ("public", None),
    ("GET", "/metrics"): ("public", None),
    ("GET", "/api/v1/openapi.json"): ("public", None),
    ("GET", "/api/v1/schemas/processor.json"): ("public", None),
    ("GET", "/api/v1/server"): ("public", None),
    ("GET", "/api/v1/epf.pyz"): ("public", None),
    ("GET", "/api/v1/ci/config.yml"): ("public", None),
    ("GET", "/api/v1/ci/runs/{token}.yml"): ("public", None),
    ("GET", "/api/v1/environments"): ("public", None),
    ("GET", "/api/v1/machine-classes"): ("public", None),
    ("GET", "/api/v1/keys/signing"): ("public", None),
    ("GET", "/api/v1/environments/{environment}"): ("public", None),
    ("DELETE", "/api/v1/environments/{environment}"): ("admin", None),
    ("POST", "/api/v1/hooks/forge"): ("hook", {"object_kind": "push", "project_id": "{pid}"}),
    ("POST", "/api/v1/environments"): ("admin", {"name": "python-3.11", "image": BASE}),
    ("GET", "/api/v1/processors"): ("visible", None),
    ("GET", "/api/v1/processors/{processor:path}"): ("project", None),
    ("GET", "/api/v1/processor-versions/{version_id}"): ("project", None),
    ("GET", "/api/v1/processor-versions/{version_id}/changes?from={version_id}"): ("project", None),
    ("GET", "/api/v1/processor-versions/{version_id}/verifications"): ("project", None),
    ("POST", "/api/v1/processor-versions/{version_id}/deprecate"): ("maintainer", {"message": "old"}),
    ("POST", "/api/v1/processor-versions/{version_id}/undeprecate"): ("maintainer", None),
    ("POST", "/api/v1/processor-versions/{version_id}/unpublish"): ("maintainer", {"reason": "wrong"}),
    ("POST", "/api/v1/processor-versions/{version_id}/republish"): ("maintainer", None),
    ("POST", "/api/v1/processor-versions/{version_id}/verify"): ("maintainer", None),
    ("GET", P + "/publish-on-tag"): ("code", None),
    ("PUT", P + "/publish-on-tag"): ("maintainer", {"publish_on_tag": False}),
    ("GET", P + "/processors"): ("project", None),
    ("POST", P + "/connect"): ("maintainer", None),
    ("GET", P + "/connect"): ("code", None),
    ("GET", P + "/processors/entries?ref=main"): ("code", None),
    ("POST", P + "/processors/inspect"): ("code", {"ref": "main", "entry": "a.py"}),
    ("POST", P + "/publications"): ("developer", PUBLISH),
    ("GET", P + "/publications"): ("code", None),
    ("GET", "/api/v1/publications/{publication_id}"): ("code", None),
    ("POST", P + "/pipelines/validate"): ("code", "definition"),
    ("POST", P + "/pipelines"): ("developer", "definition"),
    ("GET", P + "/pipelines"): ("code", None),
    ("GET", "/api/v1/pipelines/{pipeline_id}"): ("code", None),
    ("GET", "/api/v1/pipelines/{pipeline_id}.mlreef.yaml"): ("code", None),
    ("POST", P + "/runs"): ("developer", "definition"),
    ("GET", P + "/runs"): ("code", None),
    ("GET", R): ("code", None),
    ("POST", R + "/cancel"): ("developer", None),
    ("POST", R + "/rerun"): ("developer", None),
    ("GET", R + "/events"): ("code stream", None),
    ("GET", R + "/steps/{name}/log"): ("code", None),
    ("GET", R + "/steps/{name}/outputs/{output}"): ("code", None),
    ("GET", R + "/steps/{name}/outputs/{output}/files/{path:path}"): ("code", None),
    ("GET", P + "/experiments"): ("code", None),
    ("GET", "/api/v1/experiments/compare?ids={experiment_id}"): ("code", None),
    ("GET", "/api/v1/experiments/{experiment_id}"): ("code", None),
    ("GET", "/api/v1/experiments/{experiment_id}/metrics"): ("code", None),
    ("GET", "/api/v1/experiments/{experiment_id}/resources"): ("code", None),
    ("GET", P + "/visualizations"): ("code", None),
    ("GET", P + "/datasets"): ("code", None),
    ("GET", "/api/v1/usage?project_id={pid}"): ("usage", None),
    ("GET", J): ("job", None),
    ("PUT", J + "/result"): ("job", {"status": "success"}),
    ("GET", J + "/layers/{key}"): ("publishing", None),
    ("GET", J + "/manifests/{digest}"): ("job", None),
    ("PUT", J + "/outputs/{name}"): ("job", {"version": 1, "entries": []}),
    ("POST", J + "/metrics"): ("job", {"points": []}),
    ("POST", J + "/resources"): ("job", {"samples": []}),
    ("POST", J + "/params"): ("job", {"params": {}}),
}

LEAST = {"project": 0, "code": 0, "developer": 30, "maintainer": 40, "usage": 40}
CHANGES = {"developer", "maintainer", "usage"}
REACHED = "reached"
# What a guest of a private project may not read need not exist for them.
HIDDEN = {"guest": 404}


def expected(rule: str, role: str, visibility: str) -> str | int:
    """What the caller must be answered; REACHED stands for anything but a refusal."""
    if rule == "public":
        return REACHED
    if rule == "publishing":
        return 404 if role in {"job", "foreign job"} else 401
    if rule in {"job", "hook"}:
        return REACHED if rule == role else 404 if (rule, role) == ("job", "foreign job") else 401
    if role in {"wrong", "job", "foreign job"}:
        return 401
    if role == "blocked":
        return 403
    if rule == "visible" or role == "admin":
        return REACHED
    if rule == "admin":
        return 401 if role == "anonymous" else 403
    return _of_project(rule, role, visibility)


def _of_project(rule: str, role: str, visibility: str) -> str | int:
    level = LEVELS.get(role, 0)
    visible = level > 0 or visibility == "public" or (visibility == "internal" and role != "anonymous")
    if not visible:
        return 401 if role == "anonymous" and rule in CHANGES else 404
    if level < LEAST[rule]:
        return 401 if role == "anonymous" else 403
    return 403 if rule == "code" and visibility == "private" and level < 20 else REACHED


def test_every_route_is_in_the_table(app: FastAPI) -> None:
    routes = {
        (method, context.path)
        for context in iter_route_contexts(app.routes)
        for method in getattr(context, "methods", ())
        if method != "HEAD"
    }
    listed = {(method, path.partition("?")[0]) for method, path in TABLE}
    assert routes == listed


def test_every_route_names_its_policy(app: FastAPI) -> None:
    unnamed = [
        context.path
        for context in iter_route_contexts(app.routes)
        if context.path != "/api/v1/openapi.json" and not (getattr(context, "openapi_extra", None) or {}).get("policy")
    ]
    assert unnamed == []


@pytest.mark.parametrize("visibility", ["private", "internal", "public"])
async def test_every_caller_gets_what_their_role_grants(forge: FakeForge, client: Client, visibility: str) -> None:
    world = await access_world.build(forge, client, visibility)
    wrong = []
    # Reading comes first, because changes end the run.
    for (method, path), (rule, body) in sorted(TABLE.items(), key=lambda one: one[0][0] != "GET"):
        for role in ROLES:
            if rule == "code stream" and expected("code", role, visibility) == REACHED:
                continue  # a stream that is open has no end; its own tests read it
            wanted = expected(rule.partition(" ")[0], role, visibility)
            status = await _ask(world, role, method, path, body)
            granted = status not in {401, 403, 404, 405, 500}
            if not (
                granted if wanted == REACHED else status == wanted or (wanted == 403 and status == HIDDEN.get(role))
            ):
                wrong.append(f"{method} {path} as {role}: {status}, not {wanted}")
    assert not wrong, "\n".join(wrong)


async def _ask(world: World, role: str, method: str, path: str, body: Any) -> int:
    for name, value in world.ids.items():
        path = path.replace("{" + name + "}", str(value)).replace("{" + name + ":path}", str(value))
    if body == "definition":
        body = {"definition": access_world.definition(world, "experiment", "trainer")}
    elif isinstance(body, dict):
        body = {key: world.ids["pid"] if value == "{pid}" else value for key, value in body.items()}
    if path.startswith(J) and "/outputs/" in path:
        path = f"{J}/outputs/{world.ids['output']}"
    return (await world.callers[role].request(method, path, json=body)).status_code
