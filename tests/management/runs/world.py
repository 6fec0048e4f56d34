"""A data project in memory: processors, a repository, CI pipelines that obey, branches that remember."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta

from mlreef.kit.clock import FixedClock
from mlreef.kit.db import Database
from mlreef.kit.errors import not_found, unavailable
from mlreef.management.definitions import lookups, model, resolution, values
from mlreef.management.runs import jobs, manifests, progress, starting, store, upkeep
from mlreef.management.runs.datasets import Blob
from mlreef.management.runs.progress import JobNews

PROJECT = 7
LIMITS = lookups.Limits(machines=("cpu-small", "gpu"), default_machine="cpu-small")


def processor(name="augment", kind="operation", version="1.0.0", *parameters, digest="1"):
    declared = parameters or (
        values.Parameter("input", "path", "--input", required=True, role="input"),
        values.Parameter("output", "path", "--output", role="output"),
        values.Parameter("rotate", "integer", "--rotate", default=0, min=-180, max=180),
    )
    image = f"registry.test/g/{name}/{name}@sha256:{digest * 64}"
    return lookups.ProcessorVersion(
        f"ver_{name}_{version}", f"g/{name}/{name}", version, kind, image, ("python3", f"{name}.py"), declared
    )


class Catalogue:
    def __init__(self, *versions):
        self.versions = list(versions)

    async def find_version(self, slug, version):
        found = [one for one in self.versions if one.slug == slug and version in {one.version, "latest"}]
        return found[-1] if found else None

    async def explain(self, slug, version):
        return f"there is no {slug}@{version}"


class Repository:
    """Branch main at one commit; entries by path."""

    def __init__(self):
        self.entries = {"": ("tree", "t0"), "train": ("tree", "t1"), "a.csv": ("blob", "b1")}

    async def find_commit(self, ref, *, branch):
        commit = "c" * 40
        return commit if (ref == "main" if branch else commit.startswith(ref)) else None

    async def find_entry(self, commit, path):
        found = self.entries.get(path)
        return lookups.Entry(*found) if found else None


class Branches:
    """Commits as mappings from path to content, by id."""

    def __init__(self):
        self.commits = {"c" * 40: ({"train/x.png": ("100644", "old")}, "first")}
        self.heads = {"main": "c" * 40}
        self.lost_answers = 0

    async def find_head(self, branch):
        return self.heads.get(branch)

    async def list_files(self, commit, path):
        files = self.commits[commit][0]
        ids = {name: Blob(mode, blob_id(text)) for name, (mode, text) in files.items()}
        return {name: blob for name, blob in ids.items() if name.startswith(f"{path}/")}

    async def create_branch(self, branch, commit):
        self.heads[branch] = commit

    async def commit(self, branch, message, actions, *, start):
        parent = self.heads.get(branch) or start
        files = dict(self.commits[parent][0])
        for action in actions:
            name = action["file_path"]
            if action["action"] == "delete":
                del files[name]
            elif action["action"] == "chmod":
                files[name] = ("100755" if action["execute_filemode"] else "100644", files[name][1])
            else:
                assert (action["action"] == "create") == (name not in files)
                files[name] = (files.get(name, ("100644", ""))[0], action["content"])
        commit = hashlib.sha1(f"{parent}{message}{sorted(files.items())}".encode()).hexdigest()
        self.commits[commit] = (files, message)
        self.heads[branch] = commit
        if self.lost_answers:
            self.lost_answers -= 1
            raise unavailable("the answer was lost")
        return commit

    async def find_with_trailer(self, branch, path, trailer):
        head = self.heads[branch]
        return head if trailer in self.commits[head][1].splitlines() else None


def blob_id(text):
    return hashlib.sha1(b"blob %d\x00" % len(text.encode()) + text.encode()).hexdigest()


class Ci:
    """CI pipelines of which tests say how their jobs go."""

    def __init__(self):
        self.pipelines = {}
        self.started = {}
        self.canceled = []
        self.hidden = False

    async def find_pipeline(self, project_id, pipeline_id):
        if self.hidden:
            raise not_found("Project")
        return self.pipelines.get(pipeline_id)

    async def find_started(self, run, job_names):
        return self.started.get(run.id)

    async def cancel(self, project_id, pipeline_id):
        self.canceled.append(pipeline_id)


@dataclass
class World:
    db: Database
    clock: FixedClock = field(default_factory=FixedClock)
    ci: Ci = field(default_factory=Ci)
    branches: Branches = field(default_factory=Branches)
    repository: Repository = field(default_factory=Repository)
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(processor(), processor("train", "algorithm")))
    told: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.upkeep = upkeep.Upkeep(self.db, self.clock, self.ci, lambda run: self.branches, self.told.append)
        self.next_pipeline = 100

    async def plan(self, document):
        definition, faults = model.parse(document)
        assert definition is not None, faults
        return await resolution.resolve(
            definition, project_id=PROJECT, catalogue=self.catalogue, repository=self.repository, limits=LIMITS
        )

    async def start(self, document, **options):
        plan, faults = await self.plan(document)
        assert plan is not None, faults
        request = starting.Request(PROJECT, "g/data", "main", 1, "ada", **options)
        async with self.db.write() as tx:
            view = await starting.record(tx, plan, request, now=self.clock.now())
        return view.run.id

    async def accepted(self, run_id):
        """The forge made the CI pipeline, and we heard of it."""
        self.next_pipeline += 1
        async with self.db.write() as tx:
            view = await store.get_view(tx, run_id, lock=True)
            await progress.pipeline_recorded(tx, view, self.next_pipeline, now=self.clock.now())
        return self.next_pipeline

    async def view(self, run_id):
        async with self.db.read() as tx:
            return await store.get_view(tx, run_id)

    async def works(self, run_id, step, *, files=None, result=None):
        """The step's job runs: asks for its work, stores outputs, reports. Returns the specification it got."""
        job_id = self.job_id(run_id, step)
        async with self.db.write() as tx:
            view, row = await jobs.begin(tx, run_id, step, job_id, now=self.clock.now())
            contents = await store.list_manifests(tx, view.run.project_id, jobs.small_inputs(view, row))
            spec = jobs.specification(
                view,
                row,
                capacity=jobs.Capacity(2**31, 1.0),
                forge=jobs.Forge("http://forge"),
                manifests=contents,
            )
        if spec["cached"] is None:
            await self.reports(run_id, step, files=files, result=result)
        return spec

    async def reports(self, run_id, step, *, files=None, result=None):
        result = result or {"status": "success", "exit_code": 0}
        if result["status"] == "success" and files is not False:
            async with self.db.write() as tx:
                checked = manifests.check(manifest(files or {"a.txt": "a"}))
                await jobs.put_output(tx, run_id, step, "output", checked, now=self.clock.now())
        async with self.db.write() as tx:
            return await jobs.put_result(tx, run_id, step, jobs.parse_result(result), now=self.clock.now())

    def job_id(self, run_id, step):
        return int(hashlib.sha256(f"{run_id}{step}".encode()).hexdigest()[:8], 16)

    def news(self, run_id, step, status, reason=None):
        now = self.clock.now()
        ended = now + timedelta(seconds=5) if status in {"success", "failed", "canceled"} else None
        started = now if status in {"running", "success", "failed"} else None
        return JobNews(self.job_id(run_id, step), step, status, reason, started, ended)

    async def hears(self, run_id, step, status, reason=None):
        pipeline = (await self.view(run_id)).run.ci_pipeline_id
        return await self.upkeep.hear(PROJECT, pipeline, self.news(run_id, step, status, reason))

    async def succeeds(self, run_id, step, files=None):
        await self.works(run_id, step, files=files)
        await self.hears(run_id, step, "success")


def manifest(files):
    entries = [
        {"path": path, "size": len(text), "oid": hashlib.sha256(text.encode()).hexdigest(), "mode": "100644"}
        for path, text in sorted(files.items())
    ]
    return json.dumps({"version": 1, "entries": entries}).encode()


def step(name="augment", processor="g/augment/augment@1.0.0", *, after=None, path="train", **parameters):
    source = {"step": after, "output": "output"} if after else {"branch": "main", "path": path}
    return {"name": name, "processor": processor, "inputs": {"input": source}, "parameters": parameters}


def pipeline(*steps, kind="dataops", **more):
    return {"version": 1, "name": "clean", "kind": kind, "steps": list(steps) or [step()], **more}
