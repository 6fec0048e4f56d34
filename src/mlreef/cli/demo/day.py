"""The day itself, step by step; every step goes through the public interfaces with the user's own token."""

from __future__ import annotations

import base64
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress, TaskID

from mlreef import sdk
from mlreef.cli import environment, output
from mlreef.cli.demo import digits, gitpush, plans
from mlreef.cli.demo.report import Report, Step
from mlreef.kit.errors import Kind, PlatformError
from mlreef.sdk import MLReef

_ENDED = {"success", "failed", "skipped", "canceled", "cached"}


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo needs: a server, its administrator's token, and where the starter library lies."""

    url: str
    admin_token: str
    library: Path
    without: frozenset[str] = frozenset()

    def projects(self) -> list[str]:
        """The starter processors that are played."""
        left_out = {"tensorflow-2"} if "tensorflow" in self.without else set()
        return [name for name, (_, needs) in plans.PROCESSORS.items() if needs not in left_out]

    def environments(self) -> list[str]:
        """The environments that those processors need, the base of all first."""
        needed = {plans.PROCESSORS[name][1] for name in self.projects()}
        return sorted(needed, key=lambda name: (name != "python-3.11", name))


def play(demo: Demo, report: Report) -> None:
    """Play the whole demo, recording every step in `report`; stops at the first step that fails."""
    with output.progress() as progress:
        stage = _Stage(progress, report)
        _environments(demo, stage)
        reef, username, password, token = _people(demo, stage)
        data = _data(stage, reef, username, token)
        _publish(demo, stage, reef)
        first = _run(stage, reef, data, plans.DATAOPS)
        _run(stage, reef, data, plans.VISUALS)
        _run(stage, reef, data, plans.SKLEARN)
        if "tensorflow" not in demo.without:
            _run(stage, reef, data, plans.KERAS)
        _again(stage, reef, data, first)
    output.note(f"demo user: {username}, password: {password}")


@dataclass(frozen=True, slots=True)
class _Stage:
    progress: Progress
    report: Report

    @contextmanager
    def step(self, name: str, kind: str, total: int | None = None) -> Iterator[tuple[Step, TaskID]]:
        with self.report.step(name, kind) as step:
            task = self.progress.add_task(name, total=total)
            yield step, task
            done = total if total is not None else 1
            self.progress.update(task, description=name, total=done, completed=done)


def _environments(demo: Demo, stage: _Stage) -> None:
    admin = MLReef(demo.url, demo.admin_token)
    environment.ensure_project(admin)
    ready = {item["name"] for item in admin.environments() if item.get("image")}
    for name in demo.environments():
        if name in ready:
            continue
        with stage.step(f"environment {name}", "environment") as (_, task):

            def say(line: str, name: str = name, task: TaskID = task) -> None:
                stage.progress.update(task, description=f"environment {name}: {line[:60]}")

            environment.build(admin, demo.admin_token, name, say)


def _people(demo: Demo, stage: _Stage) -> tuple[MLReef, str, str, str]:
    username, password = f"ada-{secrets.token_hex(3)}", secrets.token_urlsafe(16)
    with stage.step("user and group", "setup"):
        sdk.register(demo.url, username, password, f"{username}@example.org", name="Ada")
        token = sdk.login(demo.url, username, password, name="demo")
        reef = MLReef(demo.url, token)
        _group(demo, reef)
    return reef, username, password, token


def _group(demo: Demo, reef: MLReef) -> None:
    """Make the demo's group, or join it when an earlier demo made it."""
    import gitlab

    try:
        reef.forge.groups.create({"name": "Demo", "path": plans.GROUP, "visibility": "public"})
    except gitlab.GitlabCreateError:
        admin = MLReef(demo.url, demo.admin_token)
        user = reef.http.call("GET", "/api/v4/user")["id"]
        admin.forge.groups.get(plans.GROUP).members.create({"user_id": user, "access_level": 50})


def _data(stage: _Stage, reef: MLReef, username: str, token: str) -> str:
    name = _free_name(reef, plans.DATA)
    with stage.step(f"data project {plans.GROUP}/{name}", "data") as (step, task):
        made = _create(reef, name, "Handwritten digits, 8 x 8 pixels, from scikit-learn", ["data-project", "images"])
        step.url = made.web_url
        with tempfile.TemporaryDirectory(prefix="mlreef-demo-") as folder:
            clone = Path(folder, name)
            gitpush.clone(made.http_url_to_repo, clone, username, token)

            def advance(done: int, total: int) -> None:
                stage.progress.update(task, completed=done, total=total, description=f"writing {total} pictures")

            count = digits.write(clone, advance)
            stage.progress.update(task, description=f"pushing {count} pictures")
            lfs = "*.png" if gitpush.lfs_installed() else None
            gitpush.commit_and_push(clone, f"{count} handwritten digits", username, token, lfs=lfs)
        step.metrics["files"] = float(count)
    return f"{plans.GROUP}/{name}"


def _publish(demo: Demo, stage: _Stage, reef: MLReef) -> None:
    projects = demo.projects()
    with stage.step("publish processors", "publish", total=len(projects)) as (_, task):
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(lambda name: _publish_one(demo, stage.report, reef, name), projects):
                stage.progress.advance(task)


def _publish_one(demo: Demo, report: Report, reef: MLReef, name: str) -> None:
    with report.step(f"processor {name}", "processor") as step:
        made = _find_or_create_code(demo, reef, name)
        step.url = made.web_url
        entry = next(path.name for path in sorted((demo.library / name).glob("*.py")))
        inspected = reef.inspect(made.id, "main", entry)
        if inspected["errors"]:
            raise PlatformError(Kind.INVALID, f"{name}: {inspected['errors']}")
        suggested = {key: value for key, value in inspected["suggested"].items() if value is not None}
        started = reef.publish(made.id, ref="main", entry=entry, **suggested)
        done = reef.wait_publication(started["id"])
        if done["status"] != "succeeded":
            raise PlatformError(Kind.INVALID, f"{name} could not be published: {done.get('reason')}")


def _find_or_create_code(demo: Demo, reef: MLReef, name: str) -> Any:
    import gitlab

    try:
        return reef.forge.projects.get(f"{plans.GROUP}/{name}")
    except gitlab.GitlabGetError:
        made = _create(reef, name, f"Starter processor {name}", ["code-project"])
    actions = []
    folder = demo.library / name
    for path in sorted(one for one in folder.rglob("*") if one.is_file() and "__pycache__" not in one.parts):
        place = path.relative_to(folder).as_posix()
        action = "update" if place == "README.md" else "create"
        content = base64.b64encode(path.read_bytes()).decode()
        actions.append({"action": action, "file_path": place, "content": content, "encoding": "base64"})
    made.commits.create({"branch": "main", "commit_message": f"Starter processor {name}", "actions": actions})
    return made


def _run(stage: _Stage, reef: MLReef, project: str, definition: dict[str, Any]) -> dict[str, Any]:
    steps: Sequence[dict[str, Any]] = definition["steps"]
    with stage.step(f"{definition['kind']} {definition['name']}", definition["kind"], total=len(steps)) as (step, task):
        run = reef.start_run(project, definition)
        step.url = f"{reef.url}/{project}/-/runs/{run['id']}"
        _follow(stage, reef, run, task)
        run = reef.run(run["id"])
        if run["status"] != "success":
            raise PlatformError(Kind.INVALID, f"run {run['id']} {run['status']}: {run.get('reason')}")
        step.cached = bool(run["steps"]) and all(item["cached"] for item in run["steps"])
        if definition["kind"] == "experiment":
            step.metrics.update(_metrics(reef, project, run["id"]))
            _check_accuracy(definition["name"], step.metrics)
        elif definition["kind"] == "dataops":
            step.metrics["files"] = float(run["dataset"]["files"])
    return run


def _follow(stage: _Stage, reef: MLReef, run: dict[str, Any], task: TaskID) -> None:
    states = {item["name"]: item["status"] for item in run["steps"]}
    latest = ""
    for event in reef.watch(run["id"]):
        if event.name == "run":
            states.update({item["name"]: item["status"] for item in event.data.get("steps") or []})
        elif event.name == "step":
            states[event.data["name"]] = event.data["status"]
        elif event.name == "metric":
            latest = f" {event.data.get('key', '')}={event.data.get('value', '')}"[:30]
        active = ", ".join(name for name, state in states.items() if state == "running") or "waiting"
        done = sum(state in _ENDED for state in states.values())
        stage.progress.update(task, completed=done, description=f"{run['name']}: {active}{latest}")


def _metrics(reef: MLReef, project: str, run: str) -> dict[str, float]:
    found = next(item for item in reef.experiments(project) if item["run_id"] == run)
    return {key: float(value["last"]) for key, value in found["metrics"].items() if value.get("last") is not None}


def _check_accuracy(name: str, metrics: dict[str, float]) -> None:
    if metrics.get("accuracy", 0.0) < 0.95:
        raise PlatformError(Kind.INVALID, f"{name}: test accuracy {metrics.get('accuracy')} is below 0.95")


def _again(stage: _Stage, reef: MLReef, project: str, first: dict[str, Any]) -> None:
    again = _run(stage, reef, project, {**plans.DATAOPS})
    stage.report.steps[-1].name = f"{plans.DATAOPS['kind']} {plans.DATAOPS['name']} again"
    stage.report.rerun = {"jobs_started": int(again["jobs_started"]), "cached": int(again["cached_steps"])}
    if again["dataset"]["commit"] != first["dataset"]["commit"]:
        raise PlatformError(Kind.INVALID, "the rerun made another dataset than the first run")


def _create(reef: MLReef, name: str, description: str, topics: list[str]) -> Any:
    group = reef.forge.groups.get(plans.GROUP)
    fields = {"name": name, "path": name, "namespace_id": group.id, "visibility": "public"}
    extra = {"description": description, "topics": topics, "initialize_with_readme": True}
    return reef.forge.projects.create({**fields, **extra})


def _free_name(reef: MLReef, wanted: str) -> str:
    taken = {item.path for item in reef.forge.groups.get(plans.GROUP).projects.list(iterator=True)}
    candidates = (wanted if n == 1 else f"{wanted}-{n}" for n in range(1, 10_000))
    return next(name for name in candidates if name not in taken)
