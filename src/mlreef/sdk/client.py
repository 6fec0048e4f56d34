"""The client of one server: processors, publications, data pipelines, runs, experiments."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from mlreef.kit.errors import Kind
from mlreef.sdk import sse
from mlreef.sdk.http import ApiError, Http
from mlreef.sdk.market import Market

if TYPE_CHECKING:
    import gitlab

Reference: TypeAlias = int | str
"""A project: the forge's id or its full path, such as `group/project`."""

Document: TypeAlias = dict[str, Any]

TERMINAL = frozenset({"success", "failed", "canceled"})


class MLReef(Market):
    """Everything that a user may do. Methods raise ApiError with the server's own message."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.http = Http(url, token)
        self._token = token
        self._ids: dict[str, int] = {}

    @cached_property
    def forge(self) -> gitlab.Gitlab:
        """GitLab's own client of the same server; loaded when it is first asked for."""
        import gitlab

        return gitlab.Gitlab(self.url, private_token=self._token, retry_transient_errors=True)

    def project_id(self, project: Reference) -> int:
        """The id of a project given by id or full path."""
        if isinstance(project, int) or project.isdigit():
            return int(project)
        if project not in self._ids:
            import gitlab

            try:
                self._ids[project] = int(self.forge.projects.get(project).id)
            except gitlab.GitlabGetError as exc:
                raise ApiError(Kind.NOT_FOUND, f"project {project!r}: {exc.error_message}") from exc
        return self._ids[project]

    # -- environments and processors

    def environments(self) -> list[Document]:
        """Base images that processors can be built on."""
        return list(self.http.pages("/api/v1/environments"))

    def register_environment(self, **fields: Any) -> Document:
        """Make an image selectable as an environment; administrators only."""
        return self._document("POST", "/api/v1/environments", fields)

    def machine_classes(self) -> list[Document]:
        """Kinds of runner capacity with their prices."""
        return list(self.http.pages("/api/v1/machine-classes"))

    def inspect(self, project: Reference, ref: str, entry: str) -> Document:
        """What publishing `entry` would find: parameters, or errors with line and column."""
        path = f"/api/v1/projects/{self.project_id(project)}/processors/inspect"
        return self._document("POST", path, {"ref": ref, "entry": entry})

    def publish(self, project: Reference, **fields: Any) -> Document:
        """Start a publication (ref, entry, name, kind, environment, version, ...)."""
        return self._document("POST", f"/api/v1/projects/{self.project_id(project)}/publications", fields)

    def publication(self, publication: str) -> Document:
        """A publication's present state."""
        return self._document("GET", f"/api/v1/publications/{publication}")

    def wait_publication(self, publication: str, *, timeout: float = 1800.0) -> Document:
        """Wait until a publication ends, well or not."""
        deadline = time.monotonic() + timeout
        while True:
            state = self.publication(publication)
            if state["status"] in {"succeeded", "failed"}:
                return state
            if time.monotonic() > deadline:
                raise ApiError(Kind.UNAVAILABLE, f"publication {publication} is still {state['status']}")
            time.sleep(0.3)

    def processors(self, **filters: Any) -> Iterator[Document]:
        """Processors that the caller may see: search, kind, environment, owner, sort."""
        return self.http.pages("/api/v1/processors", filters)

    def processor(self, processor: str) -> Document:
        """One processor with its versions, by id or slug."""
        return self._document("GET", f"/api/v1/processors/{processor}")

    # -- data pipelines and runs

    def save_pipeline(self, project: Reference, definition: Document) -> Document:
        """Keep a data pipeline definition."""
        path = f"/api/v1/projects/{self.project_id(project)}/pipelines"
        return self._document("POST", path, {"definition": definition})

    def pipelines(self, project: Reference) -> Iterator[Document]:
        """Saved data pipelines of a project."""
        return self.http.pages(f"/api/v1/projects/{self.project_id(project)}/pipelines")

    def validate(self, project: Reference, definition: Document) -> Document:
        """All faults of a definition at once, or the plan: which steps come from the cache."""
        path = f"/api/v1/projects/{self.project_id(project)}/pipelines/validate"
        return self._document("POST", path, {"definition": definition})

    def start_run(
        self, project: Reference, definition: Document | None = None, *, pipeline: str | None = None
    ) -> Document:
        """Start a run of a definition or of a saved data pipeline."""
        body = {"definition": definition} if definition is not None else {"pipeline_id": pipeline}
        return self._document("POST", f"/api/v1/projects/{self.project_id(project)}/runs", body)

    def runs(self, project: Reference, **filters: Any) -> Iterator[Document]:
        """Runs of a project, newest first."""
        return self.http.pages(f"/api/v1/projects/{self.project_id(project)}/runs", filters)

    def run(self, run: str) -> Document:
        """A run with its steps."""
        return self._document("GET", f"/api/v1/runs/{run}")

    def cancel(self, run: str) -> Document:
        """Stop a run."""
        return self._document("POST", f"/api/v1/runs/{run}/cancel")

    def rerun(self, run: str) -> Document:
        """Run the same snapshot again; unchanged steps come from the cache."""
        return self._document("POST", f"/api/v1/runs/{run}/rerun")

    def watch(self, run: str) -> Iterator[sse.Event]:
        """Events of a run until it ends; the connection is made again when it is lost."""
        failures = 0
        while True:
            try:
                with self.http.stream(f"/api/v1/runs/{run}/events") as answer:
                    for event in sse.parse(answer.iter_lines()):
                        failures = 0
                        yield event
                        if event.name == "run" and event.data.get("status") in TERMINAL:
                            return
            except ApiError as exc:
                failures += 1
                if exc.kind is not Kind.UNAVAILABLE or failures > 10:
                    raise
                time.sleep(min(5.0, 0.2 * 2**failures))

    def wait_run(self, run: str) -> Document:
        """Wait until a run ends and return it."""
        for event in self.watch(run):
            if event.name == "run" and event.data.get("status") in TERMINAL:
                break
        return self.run(run)

    def log(self, run: str, step: str, offset: int = 0) -> str:
        """The log of a step from a byte offset."""
        with self.http.stream(f"/api/v1/runs/{run}/steps/{step}/log", params={"offset": offset}) as answer:
            return answer.read().decode("utf-8", errors="replace")

    def outputs(self, run: str, step: str, output: str) -> Iterator[Document]:
        """The files of a step's output."""
        return self.http.pages(f"/api/v1/runs/{run}/steps/{step}/outputs/{output}")

    # -- experiments and results

    def experiments(self, project: Reference, **filters: Any) -> Iterator[Document]:
        """Experiments of a project."""
        return self.http.pages(f"/api/v1/projects/{self.project_id(project)}/experiments", filters)

    def experiment(self, experiment: str) -> Document:
        """One experiment: parameters, metrics, model, lineage."""
        return self._document("GET", f"/api/v1/experiments/{experiment}")

    def metrics(self, experiment: str, *, keys: str | None = None, points: int = 1000) -> Document:
        """Metric curves, thinned to at most `points` points each."""
        params = {"keys": keys, "points": points}
        answer: Document = self.http.call("GET", f"/api/v1/experiments/{experiment}/metrics", params=params)
        return answer

    def compare(self, experiments: list[str]) -> Document:
        """Parameters and metrics of several experiments side by side."""
        params = {"ids": ",".join(experiments)}
        answer: Document = self.http.call("GET", "/api/v1/experiments/compare", params=params)
        return answer

    def datasets(self, project: Reference) -> Iterator[Document]:
        """Datasets that data operations made in a project."""
        return self.http.pages(f"/api/v1/projects/{self.project_id(project)}/datasets")

    def visualizations(self, project: Reference) -> Iterator[Document]:
        """Visualizations of a project with their pictures."""
        return self.http.pages(f"/api/v1/projects/{self.project_id(project)}/visualizations")

    def usage(self, project: Reference) -> Iterator[Document]:
        """Usage records of a project."""
        return self.http.pages("/api/v1/usage", {"project_id": self.project_id(project)})

    def connect(self, project: Reference) -> Document:
        """Let the management service work for a project (member, webhook, CI configuration); maintainers only."""
        return self._document("POST", f"/api/v1/projects/{self.project_id(project)}/connect")

    def _document(self, method: str, path: str, body: Any = None) -> Document:
        answer: Document = self.http.call(method, path, json=body)
        return answer
