"""`mlreef processor run-local`: a processor on this machine's files, in the sandbox and by the rules of a real run.

Runner and framework carry the job out themselves; a small server in this process stands in for the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
import re
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mlreef.cli import output
from mlreef.cli.local import files, step
from mlreef.cli.local.step import Program, Source
from mlreef.extraction import manifest
from mlreef.extraction.study import Study
from mlreef.kit import logs
from mlreef.kit.errors import Kind, PlatformError, conflict, invalid

Executor = Literal["auto", "bubblewrap", "podman", "docker", "process"]
HOST = "host"

_MARKERS = re.compile(rb"(?:\x1b\[0K)?section_(?:start|end):[^\r\n]*\r\x1b\[0K\n?")


def run_local(
    path: Annotated[Path, typer.Argument(help="The program, its processor.yaml, or the folder of either.")] = Path(),
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="NAME=PATH, a folder or file; default: the reference's.")
    ] = None,
    outputs: Annotated[
        list[str] | None, typer.Option("--output", help="NAME=DIR, empty or new; default: mlreef-out/NAME.")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="PARAMETER=VALUE; repeat it for lists.")] = None,
    environment: Annotated[
        str | None, typer.Option(help="An environment's name, or host: this machine's programs, without a sandbox.")
    ] = None,
    executor: Annotated[
        Executor, typer.Option(help="What runs it: auto takes the strongest sandbox that works here.")
    ] = "auto",
    timeout: Annotated[int | None, typer.Option(help="Seconds; default: what processor.yaml says.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Run a processor on files of this machine exactly as a runner would; the log goes to standard error."""
    target = files.find(path)
    study = files.study(target)
    if study.errors:
        for fault in study.errors:
            output.note(files.message(target, fault))
        raise typer.Exit(1)
    request = _request(target, study, inputs or [], outputs or [], settings or [])
    wanted = environment or (HOST if executor == "process" else study.suggested["environment"])
    done = asyncio.run(_carry_out(request, wanted, executor, timeout))
    if as_json:
        output.document(done)
    else:
        _show(done)
    if not done["succeeded"]:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Request:
    """What shall be run on what."""

    target: files.Target
    study: Study
    program: Program
    values: dict[str, Any]
    sources: dict[str, Source]
    outputs: dict[str, Path]
    reference: bool
    """Whether this is the run that the description tells the results of."""


def _request(
    target: files.Target, study: Study, inputs: Sequence[str], outputs: Sequence[str], settings: Sequence[str]
) -> Request:
    program = Program.of(study)
    reference = study.manifest.values.get("reference") or {}
    given = {name: Path(value) for name, value in _pairs(inputs, "--input NAME=PATH")}
    texts: dict[str, list[str]] = {}
    for name, value in _pairs(settings, "--set PARAMETER=VALUE"):
        texts.setdefault(name, []).append(value)
    by_reference = not given and bool(reference.get("inputs"))
    folder = target.root / posixpath.dirname(study.manifest.file if study.manifest.present else study.entry)
    if by_reference:
        given = {name: folder / value for name, value in reference["inputs"].items()}
        output.note(f"inputs: the reference's ({', '.join(reference['inputs'].values())})")
    known = reference.get("parameters", {}) if by_reference else {}
    values = step.values(program, texts, known)
    _check_inputs(program, given)
    places = {name: Path("mlreef-out") / name for name in program.names("output")}
    for name, value in _pairs(outputs, "--output NAME=DIR"):
        if name not in places:
            raise invalid(f"the program has no output {name!r}; it has: {', '.join(places)}")
        places[name] = Path(value)
    for place in places.values():
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise conflict(f"{place} is there already and not empty; remove it or name another with --output")
    sources = {name: step.source(place) for name, place in given.items()}
    for name, one in sources.items():
        if one.links:
            output.note(f"input {name}: {one.links} links or special files are left out")
    return Request(target, study, program, values, sources, places, by_reference and not texts)


def _check_inputs(program: Program, given: Mapping[str, Path]) -> None:
    names = program.names("input")
    for name in given:
        if name not in names:
            raise invalid(f"the program has no input {name!r}; it has: {', '.join(names)}")
    missing = [one.name for one in program.of_role("input") if one.required and one.name not in given]
    if missing:
        raise invalid("inputs are missing: " + " ".join(f"--input {name}=PATH" for name in missing))


def _pairs(texts: Sequence[str], form: str) -> list[tuple[str, str]]:
    found = [text.partition("=") for text in texts]
    if any(not name or not sign for name, sign, _ in found):
        raise invalid(f"write {form}")
    return [(name, value) for name, _, value in found]


async def _carry_out(request: Request, environment: str, executor: Executor, seconds: int | None) -> dict[str, Any]:
    from mlreef import runner
    from mlreef.cli.local import http, image, preparing

    logs.configure(json=False, level="ERROR")
    cache = preparing.cache_folder()
    chosen = executor
    base = None
    if environment == HOST:
        chosen = "process"
        output.note("environment: this machine's programs and packages, WITHOUT a sandbox (executor process)")
    else:
        base = await preparing.environment(environment, cache)
    with tempfile.TemporaryDirectory(prefix="mlreef-local-") as scratch:
        place = Path(scratch)
        layers = await asyncio.to_thread(preparing.layers, request.target.root, request.study, base, place)
        made = image.assemble(base, layers)
        stored = place / "stored"
        stored.mkdir()
        socket = http.listening()
        url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        limits = step.limits(request.study, seconds)
        framework = preparing.framework()
        work = http.Work(
            payload={},
            specification=step.specification(request.program, request.values, request.sources, limits, url),
            sources=request.sources,
            image=made,
            framework=framework,
            stored=stored,
            show=_log,
        )
        network = manifest.wanted(request.study.manifest.values).network
        work.payload = preparing.job(work, url, limits["timeout_s"], network)
        settings = runner.Settings(
            url=url,
            token=work.token,
            name="this machine",
            capacity=1,
            executor=chosen,
            allow_unsafe=False,
            signatures="off",
            work_dir=place / "work",
            cache_dir=cache / "runner",
            memory_bytes=limits.get("memory_bytes", 0),
            cpus=limits.get("cpus", 0.0),
            trace_seconds=0.2,
            heartbeat_seconds=1.0,
        )
        async with http.serving(work, socket):
            await _run(runner, settings, work.ended)
        return _outcome(request, work, stored)


async def _run(runner: Any, settings: Any, ended: asyncio.Event) -> None:
    """Run the runner until the one job has ended, or somebody interrupts."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    task = asyncio.create_task(runner.run(settings, stop=stop))
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    interrupted = stop.is_set()
    stop.set()
    waiting.cancel()
    try:
        await task
    except PlatformError as exc:
        if exc.kind is not Kind.UNAVAILABLE:
            raise
        message = f"{exc.message}; without a sandbox it runs with --environment host"
        raise PlatformError(Kind.UNAVAILABLE, message) from exc
    if interrupted and not ended.is_set():
        raise KeyboardInterrupt


def _log(data: bytes) -> None:
    sys.stderr.buffer.write(_MARKERS.sub(b"", data))
    sys.stderr.buffer.flush()


def _outcome(request: Request, work: Any, stored: Path) -> dict[str, Any]:
    from mlreef.cli.local import http

    report = work.report
    outputs = []
    if report.succeeded:
        for name, entries in report.outputs.items():
            size = http.materialise(entries, stored, request.outputs[name], request.sources)
            outputs.append({"name": name, "folder": str(request.outputs[name]), "files": len(entries), "bytes": size})
    told = report.result
    missed = step.missed(request.study, report) if request.reference and report.succeeded else []
    return {
        "succeeded": report.succeeded and not missed,
        "reason": told.get("reason") or (None if report.succeeded else report.reason or "killed"),
        "message": told.get("message") or "",
        "exit_code": told.get("exit_code"),
        "duration_s": told.get("duration_s"),
        "command": work.specification["command"],
        "parameters": request.values,
        "outputs": outputs,
        "metrics": report.summary(),
        "reported_parameters": report.params,
        "model": told.get("model"),
        "reference": {"checked": request.reference, "missed": missed},
    }


def _show(done: Mapping[str, Any]) -> None:
    if done["metrics"]:
        output.table(
            ("metric", "last", "min", "max", "points"),
            [[one["name"], one["last"], one["min"], one["max"], one["points"]] for one in done["metrics"]],
        )
    if done["outputs"]:
        output.table(
            ("output", "folder", "files", "bytes"),
            [[one["name"], one["folder"], one["files"], one["bytes"]] for one in done["outputs"]],
        )
    if done["succeeded"]:
        output.note(f"succeeded in {done['duration_s']} s")
    for missed in done["reference"]["missed"]:
        output.error(f"reference: {missed}")
    if not done["succeeded"] and not done["reference"]["missed"]:
        raise PlatformError(Kind.INVALID, f"failed ({done['reason']}): {done['message'] or 'see the log above'}")
