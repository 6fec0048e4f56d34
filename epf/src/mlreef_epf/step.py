"""One step of a run, from its spec to its reported result: fetch, run, store, report.

The result's status is the truth about the step: whatever goes wrong, in the processor or here, ends as one reason and
one message at the management service and as a non-zero exit code at the runner.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional, Sequence

from mlreef_epf import (
    cache,
    errors,
    inputs,
    lfs,
    log,
    management,
    metrics,
    outputs,
    processor,
    reporter,
    resources,
    seal,
    web,
)
from mlreef_epf import settings as settings_module

_HIDDEN = ("CI_", "GITLAB_", "FF_", "MLREEF_", "RUNNER_")
_KEPT = ("MLREEF_RUNNER_MARK",)  # by which a runner without a pid namespace finds what a job left behind
_MODEL_FORMATS = {
    ".pkl": "pickle", ".pickle": "pickle", ".joblib": "joblib", ".pt": "pytorch", ".pth": "pytorch", ".ckpt": "pytorch",
    ".h5": "hdf5", ".keras": "keras", ".onnx": "onnx", ".pb": "tensorflow", ".tflite": "tflite", ".ubj": "xgboost",
    ".safetensors": "safetensors", ".cbm": "catboost", ".bst": "xgboost", ".gguf": "gguf", ".mlmodel": "coreml",
}  # fmt: skip


def run(environ: Mapping[str, str]) -> int:
    """Run the step this job is for; returns the process's exit code."""
    settings = settings_module.read(environ)
    if not settings.url or not settings.id_token:
        log.say("MLREEF_URL and MLREEF_ID_TOKEN are not set: this is not a job of MLReef")
        return 1
    if not seal.seal(settings_module.secret_names(environ)):
        log.say("warning: this process could not be closed to others (no ctypes in this image)")
    client = web.Client(settings.proxy_socket)
    job = management.Job(client, settings.url, settings.id_token)
    signal.signal(signal.SIGTERM, cancel)
    started = time.monotonic()
    try:
        result = _Step(settings, client, job).run()
    except errors.Canceled:
        result = failed("killed", "the job was canceled", 143)
    except errors.Failure as exc:
        result = failed(exc.reason, exc.message, exc.exit_code)
    except Exception as exc:  # noqa: BLE001 - the edge of the process: whatever it is, it is reported
        result = failed("epf_error", "%s: %s" % (type(exc).__name__, exc), 1)
    result.setdefault("duration_s", round(time.monotonic() - started, 3))
    return report(job, result)


def report(job: management.Job, result: Dict[str, Any]) -> int:
    """Hand in the result and turn it into an exit code."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    failed = result["status"] == "failed"
    if failed:
        log.say("failed (%s): %s" % (result.get("reason"), result["message"]))
    try:
        job.put_result(result, patience=10 if result.get("exit_code") == 143 else None)
    except errors.Failure as exc:
        log.say("the result could not be reported: %s" % exc.message)
        return (result.get("exit_code") or 1) if failed else 1
    return (result.get("exit_code") or 1) if failed else 0


def failed(reason: str, message: str, exit_code: int) -> Dict[str, Any]:
    """The result of a job that went wrong here."""
    return {"status": "failed", "reason": reason, "message": message[:2000], "exit_code": exit_code, "model": None}


def cancel(number: int, frame: Any) -> NoReturn:
    """Signal handler: the job was told to stop."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough; the way out must not be interrupted
    raise errors.Canceled


class _Step:
    def __init__(self, settings: settings_module.Settings, client: web.Client, job: management.Job) -> None:
        self._settings, self._client, self._job = settings, client, job
        self._reporter = reporter.Reporter(job)
        self._used: Dict[str, Any] = {}

    def run(self) -> Dict[str, Any]:
        spec = self._job.get_spec()
        if spec.get("kind") != "step":
            raise errors.Failure("this job is of kind %r, not a step" % spec.get("kind"))
        if spec.get("cached"):
            log.say("the same step has run before: its outputs are taken over")
            return {"status": "success", "reason": None, "exit_code": 0, "message": "", "model": None,
                    "cached": True, "outputs": spec["cached"].get("outputs")}  # fmt: skip
        log.say("step %s of run %s" % (spec["step"]["name"], spec["run"].get("name") or spec["run"]["id"]))
        try:
            places = self._fetch(spec)
            outcome = self._process(spec, places)
            found = self._found(spec) if outcome.reason is None else {}
            small = self._store(spec, found) if outcome.reason is None else {}
        finally:
            self._reporter.close()
            _writable(self._settings.path("in"))
        return {
            "status": "failed" if outcome.reason else "success",
            "reason": outcome.reason,
            "exit_code": outcome.exit_code,
            "message": outcome.message,
            "duration_s": round(outcome.duration_s, 3),
            "peak_memory_bytes": outcome.peak_memory,
            "model": _model(found),
            "outputs": small or None,
            "usage": dict(self._used, peak_memory_bytes=outcome.peak_memory or None),
            "packages": installed(os.environ.get("PYTHONPATH", "")),
        }

    def _fetch(self, spec: Dict[str, Any]) -> Dict[str, str]:
        """Put the inputs in place; returns {name: (directory, the one file or None)}."""
        places = {}
        with log.section("mlreef_fetch", "Fetching inputs"), cache.opened(self._settings.cache) as held:
            fetcher = inputs.Fetcher(self._client, spec["forge"], self._settings.job_token, held, self._job)
            for entry in spec["inputs"]:
                target = self._settings.path("in", _name(entry["name"]))
                if entry["name"] not in places:
                    _clear(target)
                files, size = fetcher.fetch(entry["source"], target)
                places[entry["name"]] = target
                log.say("input %s: %d files, %s" % (entry["name"], files, log.size(size)))
            for target in places.values():
                inputs.seal(target)
            held.trim(self._settings.cache_limit)
        return places

    def _process(self, spec: Dict[str, Any], places: Mapping[str, str]) -> processor.Outcome:
        work, private = self._settings.path("work"), tempfile.mkdtemp(prefix="mlreef-")
        os.makedirs(work, exist_ok=True)
        outs = {entry["name"]: self._settings.path("out", _name(entry["name"])) for entry in spec["outputs"]}
        for directory in outs.values():
            _clear(directory)
            os.makedirs(directory)
        argv = command_line(spec, self._settings.mapped, places, outs)
        send = self._reporter
        points = metrics.Points(send.add_points, send.add_params)
        printed = metrics.Printed(points)

        def on_bytes(data: bytes) -> None:
            log.write(data)
            printed.feed(data)

        path = reporter.metrics_path(private)
        followers: List[Any] = [metrics.MetricsFile(path, points)]
        looked_for = [os.path.join(directory, "experiment.json") for directory in [work, *outs.values()]]
        followers.extend(metrics.ExperimentFile(place, points) for place in looked_for)
        env = environment(os.environ, spec, places, outs)
        # Image layers are read-only, and libraries keep their caches in the home directory.
        env.update(HOME=work, MLREEF_METRICS=path)
        with log.section("mlreef_run", "Running " + " ".join(argv)[:200]):
            meter, before = resources.Meter(os.getpid()), resources.used_by_children()
            send.start(followers, meter)
            try:
                return processor.Supervisor(spec.get("limits") or {}, on_bytes).run(argv, work, env)
            finally:
                printed.finish()
                send.stop()
                self._used = used(before, resources.used_by_children(), meter.gpu_s)
                shutil.rmtree(private, ignore_errors=True)
                if points.skipped:
                    log.say("passed over %d metric values without a proper name and number" % points.skipped)

    def _found(self, spec: Dict[str, Any]) -> Dict[str, List[outputs.Found]]:
        found = {}
        for entry in spec["outputs"]:
            directory = self._settings.path("out", _name(entry["name"]))
            found[entry["name"]] = outputs.scan(
                entry["name"], directory, self._settings.max_files, self._settings.max_bytes
            )
            if not found[entry["name"]]:
                raise errors.NoOutput(
                    "the processor ended well but wrote no file to its output %r (%s)" % (entry["name"], directory)
                )
        return found

    def _store(self, spec: Dict[str, Any], found: Mapping[str, Sequence[outputs.Found]]) -> Dict[str, Any]:
        """Store the outputs' bytes; returns the manifests that are small enough to travel with the result."""
        small = {}
        with log.section("mlreef_store", "Storing outputs"), cache.opened(self._settings.cache) as held:
            uploads = lfs.Store(self._client, spec["forge"]["lfs_url"], self._settings.job_token)
            for name, files in found.items():
                manifest = outputs.store(name, files, uploads, held if self._settings.cache else None)
                if len(files) <= (spec.get("inline_files") or 0):
                    small[name] = manifest
                else:
                    self._job.put_output(name, manifest)
        return small


def command_line(
    spec: Dict[str, Any], mapped: Callable[[str], str], places: Mapping[str, str], outs: Mapping[str, str]
) -> List[str]:
    """The processor's argv: command, arguments, inputs, outputs; every value verbatim, one item each."""
    argv = [mapped(item) for item in spec["command"]]
    for argument in spec.get("arguments") or ():
        if argument.get("flag"):
            argv.append(argument["flag"])
        values = argument["values"] if argument.get("values") is not None else [argument.get("value")]
        argv.extend(value if isinstance(value, str) else str(value) for value in values if value is not None)
    seen = set()
    for entry, where in [(e, places) for e in spec["inputs"]] + [(e, outs) for e in spec["outputs"]]:
        key = (id(where), entry["name"])
        if entry.get("flag") == "" or key in seen:
            continue
        seen.add(key)
        argv.extend(([entry["flag"]] if entry.get("flag") else []) + [where[entry["name"]]])
    return argv


def environment(
    base: Mapping[str, str], spec: Dict[str, Any], places: Mapping[str, str], outs: Mapping[str, str]
) -> Dict[str, str]:
    """What the processor sees of the environment: the image's and the spec's, nothing of the job's machinery."""
    env = {name: value for name, value in base.items() if name in _KEPT or not name.startswith(_HIDDEN)}
    cpus = (spec.get("limits") or {}).get("cpus")
    if cpus:
        env.setdefault("OMP_NUM_THREADS", str(max(1, round(float(cpus)))))
    env.update({str(k): str(v) for k, v in (spec.get("environment") or {}).items()})
    env.update({"MLREEF_INPUT_" + _variable(name): place for name, place in places.items()})
    env.update({"MLREEF_OUTPUT_" + _variable(name): place for name, place in outs.items()})
    return env


def used(before: Any, after: Any, gpu_s: Optional[float]) -> Dict[str, Any]:
    """What ended in between used; nothing is said where nothing is known."""
    if before is None or after is None:
        return {"gpu_s": gpu_s}
    cpu, read, written = (late - early for early, late in zip(before, after))  # noqa: B905 - strict= needs Python 3.10
    return {"cpu_s": round(cpu, 3), "read_bytes": read, "written_bytes": written, "gpu_s": gpu_s}


def installed(path: str) -> List[str]:
    """The Python packages below the directories of a PYTHONPATH, as name==version."""
    found = set()
    for directory in filter(None, path.split(os.pathsep)):
        with contextlib.suppress(OSError):
            for name in os.listdir(directory):
                if name.endswith(".dist-info"):
                    package, _, version = name[: -len(".dist-info")].partition("-")
                    found.add("%s==%s" % (package.replace("_", "-").lower(), version))
    return sorted(found)


def _model(found: Mapping[str, Sequence[outputs.Found]]) -> Optional[Dict[str, Any]]:
    ends = [(item, os.path.splitext(item.path)[1].lower()) for items in found.values() for item in items]
    files = [
        {"path": item.path, "size": item.size, "format": _MODEL_FORMATS[end]}
        for item, end in ends
        if end in _MODEL_FORMATS
    ]
    return {"files": files[:100], "python": "%d.%d.%d" % sys.version_info[:3]} if files else None


def _variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _name(name: str) -> str:
    if not re.match(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", name):
        raise errors.Failure("%r is not a name of an input or output" % name)
    return name


def _clear(directory: str) -> None:
    _writable(directory)
    shutil.rmtree(directory, ignore_errors=True)


def _writable(directory: str) -> None:
    """Give the directories of sealed inputs their write permission back, so that whoever cleans up can."""
    for folder, _, _ in os.walk(directory):
        with contextlib.suppress(OSError):
            os.chmod(folder, 0o755)  # noqa: S103 - directories of the job itself
