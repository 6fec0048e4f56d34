"""The routes of the fake forge: GitLab REST v4 as far as the management service uses it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

router = APIRouter()
API = "/api/v4"
P = API + "/projects/{pid}"


class Refused(Exception):
    def __init__(self, status: int, message: Any) -> None:
        self.answer = JSONResponse({"message": message}, status_code=status)


def _caller(request: Request) -> Any:
    forge = request.app.state.forge
    token = request.headers.get("private-token") or request.headers.get("authorization", "").removeprefix("Bearer ")
    if token:
        user = next((one for one in forge.users if one.token == token), None)
        if user is None:
            raise Refused(401, "401 Unauthorized")
        if user.blocked:
            raise Refused(403, "403 Forbidden - Your account has been blocked.")
        return user
    session = forge.sessions.get(request.cookies.get("mlreef_session", ""))
    if session is None:
        if request.cookies.get("mlreef_session"):
            raise Refused(401, "401 Unauthorized")
        return None
    if request.method != "GET" and request.headers.get("x-csrf-token") != session[1]:
        raise Refused(403, "403 Forbidden - CSRF")
    return forge.user_by_name(session[0])


def _level(repo: Any, user: Any) -> int:
    return 0 if user is None else int(repo.members.get(user.username, 0))


def _project(request: Request, pid: str, level: int = 0) -> Any:
    user = _caller(request)
    forge = request.app.state.forge
    repo = next((one for one in forge.projects.values() if pid in {str(one.id), one.path}), None)
    if repo is None or not _visible(repo, user):
        raise Refused(404, "404 Project Not Found")
    has = 60 if user is not None and user.is_admin else _level(repo, user)
    if has < level:
        raise Refused(401 if user is None else 403, "401 Unauthorized" if user is None else "403 Forbidden")
    return repo


def _visible(repo: Any, user: Any) -> bool:
    if repo.visibility == "public" or (user is not None and (user.is_admin or repo.visibility == "internal")):
        return True
    return _level(repo, user) > 0


def _project_json(repo: Any, user: Any) -> dict[str, Any]:
    level = _level(repo, user)
    return {
        "id": repo.id,
        "name": repo.path.rpartition("/")[2],
        "path_with_namespace": repo.path,
        "visibility": repo.visibility,
        "default_branch": "main",
        "archived": repo.archived,
        "star_count": repo.star_count,
        "ci_config_path": repo.ci_config_path,
        "permissions": {"project_access": {"access_level": level} if level else None, "group_access": None},
    }


def refusing(function: Any) -> Any:
    import functools

    @functools.wraps(function)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        except Refused as exc:
            return exc.answer

    return wrapped


@router.get(API + "/user")
@refusing
async def get_user(request: Request) -> Any:
    user = _caller(request)
    if user is None:
        raise Refused(401, "401 Unauthorized")
    return {"id": user.id, "username": user.username, "name": user.username.title(), "is_admin": user.is_admin}


@router.get(API + "/projects")
@refusing
async def list_projects(request: Request, per_page: int = 20, id_after: int = 0) -> Any:
    user = _caller(request)
    seen = [one for one in request.app.state.forge.projects.values() if one.id > id_after and _visible(one, user)]
    if request.query_params.get("membership"):
        seen = [one for one in seen if _level(one, user)]
    if request.query_params.get("starred"):
        seen = [one for one in seen if user.username in one.stars]
    page = sorted(seen, key=lambda one: one.id)[:per_page]
    headers = {}
    if len(seen) > per_page:
        url = f"http://elsewhere.test{API}/projects?{request.url.include_query_params(id_after=page[-1].id).query}"
        headers["link"] = f'<{url}>; rel="next"'
    return JSONResponse([_project_json(one, user) for one in page], headers=headers)


@router.get(P)
@refusing
async def get_project(request: Request, pid: str) -> Any:
    return _project_json(_project(request, pid), _caller(request))


@router.put(P)
@refusing
async def update_project(request: Request, pid: str) -> Any:
    repo = _project(request, pid, 40)
    for name, value in (await request.json()).items():
        setattr(repo, name, value)
    return _project_json(repo, _caller(request))


@router.get(P + "/members/{user_id}")
@refusing
async def get_member(request: Request, pid: str, user_id: int) -> Any:
    repo = _project(request, pid)
    user = next(one for one in request.app.state.forge.users if one.id == user_id)
    if user.username not in repo.members:
        raise Refused(404, "404 Not found")
    return {"id": user.id, "username": user.username, "access_level": repo.members[user.username]}


@router.get(P + "/members/all/{user_id}")
@refusing
async def get_any_member(request: Request, pid: str, user_id: int) -> Any:
    return await get_member(request, pid, user_id)


@router.post(P + "/members", status_code=201)
@router.put(P + "/members/{user_id}")
@refusing
async def set_member(request: Request, pid: str, user_id: int | None = None) -> Any:
    repo, body = _project(request, pid, 40), await request.json()
    wanted = user_id or body["user_id"]
    user = next(one for one in request.app.state.forge.users if one.id == wanted)
    if user_id is None and user.username in repo.members:
        raise Refused(409, "Member already exists")
    repo.members[user.username] = body["access_level"]
    return {"id": user.id, "access_level": body["access_level"]}


@router.get(P + "/hooks")
@refusing
async def list_hooks(request: Request, pid: str) -> Any:
    return [{k: v for k, v in one.items() if k != "token"} for one in _project(request, pid, 40).hooks]


@router.post(P + "/hooks", status_code=201)
@refusing
async def create_hook(request: Request, pid: str) -> Any:
    repo = _project(request, pid, 40)
    repo.hooks.append({"id": len(repo.hooks) + 1, **await request.json()})
    return repo.hooks[-1]


@router.put(P + "/hooks/{hook_id}")
@refusing
async def update_hook(request: Request, pid: str, hook_id: int) -> Any:
    repo = _project(request, pid, 40)
    hook = next(one for one in repo.hooks if one["id"] == hook_id)
    hook.update(await request.json())
    return hook


def _code(request: Request, pid: str, level: int = 0) -> Any:
    repo = _project(request, pid, level)
    if repo.visibility == "private":
        return _project(request, pid, max(level, 20))
    return repo


def _commit_json(repo: Any, sha: str) -> dict[str, Any]:
    parent = repo.parents[sha]
    return {"id": sha, "short_id": sha[:8], "message": repo.messages[sha], "parent_ids": [parent] if parent else []}


@router.get(P + "/repository/commits/{ref:path}")
@refusing
async def get_commit(request: Request, pid: str, ref: str) -> Any:
    repo = _code(request, pid)
    sha = repo.resolve(ref)
    if sha is None:
        raise Refused(404, "404 Commit Not Found")
    return _commit_json(repo, sha)


@router.get(P + "/repository/commits")
@refusing
async def list_commits(request: Request, pid: str, ref_name: str = "main", path: str = "", per_page: int = 20) -> Any:
    repo, found = _code(request, pid), []
    sha = repo.resolve(ref_name)
    while sha is not None:
        found.append(_commit_json(repo, sha))
        sha = repo.parents[sha]
    return found[:per_page]


@router.post(P + "/repository/commits", status_code=201)
@refusing
async def create_commit(request: Request, pid: str) -> Any:
    repo, body = _code(request, pid, 30), await request.json()
    branch = body["branch"]
    start = repo.branches.get(branch) or repo.resolve(body.get("start_sha") or body.get("start_branch") or "main")
    files = dict(repo.snapshots[start]) if start else {}
    for action in body["actions"]:
        name = action["file_path"]
        if action["action"] == "delete":
            files.pop(name)
        elif action["action"] == "chmod":
            repo.modes[name] = "100755" if action["execute_filemode"] else "100644"
        else:
            content = action["content"]
            files[name] = base64.b64decode(content) if action.get("encoding") == "base64" else content.encode()
    return _commit_json(repo, repo.commit(branch, files, body["commit_message"], start))


@router.get(P + "/repository/branches/{branch:path}")
@refusing
async def get_branch(request: Request, pid: str, branch: str) -> Any:
    repo = _code(request, pid)
    if branch not in repo.branches:
        raise Refused(404, "404 Branch Not Found")
    return {"name": branch, "commit": _commit_json(repo, repo.branches[branch])}


@router.post(P + "/repository/branches", status_code=201)
@refusing
async def create_branch(request: Request, pid: str) -> Any:
    repo, body = _code(request, pid, 30), await request.json()
    repo.branches[body["branch"]] = repo.resolve(body["ref"])
    return {"name": body["branch"], "commit": _commit_json(repo, repo.branches[body["branch"]])}


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\x00" % len(content) + content).hexdigest()


@router.get(P + "/repository/tree")
@refusing
async def list_tree(
    request: Request, pid: str, ref: str = "main", path: str = "", recursive: bool = False, per_page: int = 20
) -> Any:
    repo = _code(request, pid)
    sha = repo.resolve(ref)
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    files = repo.snapshots.get(sha, {})
    if sha is None or (prefix and not any(name.startswith(prefix) for name in files)):
        raise Refused(404, "404 Tree Not Found")
    entries: dict[str, dict[str, Any]] = {}
    for name, content in sorted(files.items()):
        if not name.startswith(prefix):
            continue
        parts = name.removeprefix(prefix).split("/")
        for depth in range(1, len(parts)):
            folder = prefix + "/".join(parts[:depth])
            below = b"".join(blob_id(c).encode() for n, c in sorted(files.items()) if n.startswith(folder + "/"))
            entries.setdefault(folder, _entry(folder, "tree", hashlib.sha1(below).hexdigest(), "040000"))
        entries[name] = _entry(name, "blob", blob_id(content), repo.modes.get(name, "100644"))
    shown = [one for key, one in sorted(entries.items()) if recursive or "/" not in key.removeprefix(prefix)]
    token = request.query_params.get("page_token")
    start = next((i + 1 for i, one in enumerate(shown) if one["path"] == token), 0) if token else 0
    page = shown[start : start + per_page]
    headers = {}
    if start + per_page < len(shown):
        url = request.url.include_query_params(page_token=page[-1]["path"])
        headers["link"] = f'<{url}>; rel="next"'
    return JSONResponse(page, headers=headers)


def _entry(path: str, kind: str, identity: str, mode: str) -> dict[str, Any]:
    return {"id": identity, "name": path.rpartition("/")[2], "path": path, "type": kind, "mode": mode}


@router.get(P + "/repository/files/{path:path}/raw")
@refusing
async def raw_file(request: Request, pid: str, path: str, ref: str = "main") -> Any:
    repo = _code(request, pid)
    content = repo.snapshots.get(repo.resolve(ref), {}).get(path)
    if content is None:
        raise Refused(404, "404 File Not Found")
    return Response(content, media_type="text/plain")


@router.post(P + "/pipeline", status_code=201)
@refusing
async def create_pipeline(request: Request, pid: str) -> Any:
    repo, body = _project(request, pid, 30), await request.json()
    forge, user = request.app.state.forge, _caller(request)
    sha = repo.resolve(body["ref"])
    if sha is None:
        raise Refused(400, {"base": ["Reference not found"]})
    made = {
        "id": len(forge.pipelines) + 501,
        "project_id": repo.id,
        "ref": body["ref"],
        "sha": sha,
        "status": "created",
        "user": user.username,
        "variables": {one["key"]: one["value"] for one in body.get("variables", [])},
    }
    forge.pipelines[made["id"]] = made
    return made


def _pipeline(request: Request, pid: str, pipeline_id: int) -> Any:
    repo = _code(request, pid)
    found = request.app.state.forge.pipelines.get(pipeline_id)
    if found is None or found["project_id"] != repo.id:
        raise Refused(404, "404 Not found")
    return found


@router.get(P + "/pipelines/{pipeline_id}")
@refusing
async def get_pipeline(request: Request, pid: str, pipeline_id: int) -> Any:
    return _pipeline(request, pid, pipeline_id)


@router.get(P + "/pipelines/{pipeline_id}/jobs")
@refusing
async def list_jobs(request: Request, pid: str, pipeline_id: int) -> Any:
    _pipeline(request, pid, pipeline_id)
    return [one for one in request.app.state.forge.jobs.values() if one["pipeline"]["id"] == pipeline_id]


@router.post(P + "/pipelines/{pipeline_id}/cancel")
@refusing
async def cancel_pipeline(request: Request, pid: str, pipeline_id: int) -> Any:
    _project(request, pid, 30)
    found = _pipeline(request, pid, pipeline_id)
    found["status"] = "canceled"
    return found


@router.get(P + "/jobs/{job_id}")
@refusing
async def get_job(request: Request, pid: str, job_id: int) -> Any:
    _code(request, pid)
    found = request.app.state.forge.jobs.get(job_id)
    if found is None:
        raise Refused(404, "404 Not found")
    return found


@router.get(P + "/jobs/{job_id}/trace")
@refusing
async def get_trace(request: Request, pid: str, job_id: int) -> Any:
    _code(request, pid)
    return Response(request.app.state.forge.traces.get(job_id, b""), media_type="text/plain")


@router.get("/oauth/discovery/keys")
async def keys(request: Request) -> Any:
    return {"keys": [request.app.state.forge.key.as_dict(private=False)]}
