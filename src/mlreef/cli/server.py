"""`mlreef up`, `mlreef demo` and `mlreef serve`: starting servers."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlreef.cli import output
from mlreef.kit import logs
from mlreef.kit.errors import PlatformError, invalid

if TYPE_CHECKING:
    from mlreef.cli.demo import Demo
    from mlreef.compose.embedded import Server

Host = Annotated[str, typer.Option(help="Address to listen on; other machines reach 0.0.0.0.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]
DataDir = Annotated[Path, typer.Option(help="Where everything is kept.")]
_DEFAULT_DATA = Path("~/.local/share/mlreef")


def up(
    host: Host = "127.0.0.1",
    port: Port = 8080,
    data_dir: DataDir = _DEFAULT_DATA,
    url: Annotated[str | None, typer.Option(help="The URL that users see, when a proxy stands in front.")] = None,
    play_demo: Annotated[bool, typer.Option("--demo", help="Play the demo, then keep serving.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Stop after the demo; exit 0 only when it succeeded.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the demo's report as JSON.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave a part of the demo out: tensorflow.")] = None,
    executor: Annotated[str, typer.Option(help="auto, bubblewrap, podman, docker, process or none.")] = "auto",
    capacity: Annotated[int, typer.Option(min=1, help="Jobs at a time.")] = 2,
    admin_password_file: Annotated[
        Path | None, typer.Option(exists=True, help="Holds the administrator's first password; default: a random one.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "WARNING",
) -> None:
    """Start everything in one process on one port, with one local runner."""
    gc.disable()  # what is made while starting stays: looking through it again and again costs a fifth of the time
    from mlreef.compose import embedded

    unknown = set(without or ()) - {"tensorflow"}
    if unknown:
        raise invalid(f"--without {', '.join(sorted(unknown))}: only tensorflow can be left out")
    logs.configure(json=False, level=log_level)
    plan = embedded.Plan(
        data_dir=data_dir.expanduser().resolve(),
        host=host,
        port=port,
        url=url,
        executor=executor,
        capacity=capacity,
        admin_password=admin_password_file.read_text().strip() if admin_password_file else None,
    )
    code = 0

    async def serve() -> None:
        nonlocal code
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with embedded.running(plan) as server:
            gc.freeze()
            gc.enable()
            _greet(server)
            if play_demo or once:
                code = await _demo_beside(server, frozenset(without or ()), report, stop)
                if once:
                    return
                output.note(f"serving {server.url} - Ctrl-C stops it")
            await stop.wait()

    _run(serve())
    raise typer.Exit(code if once else 0)


def demo(
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8080",
    token: Annotated[str, typer.Option(envvar="MLREEF_TOKEN", help="An administrator's token.")] = "",
    library: Annotated[Path | None, typer.Option(help="The starter library; default: the one that came along.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave a part out: tensorflow.")] = None,
) -> None:
    """Play the demo against a running server."""
    from mlreef.cli.demo import Demo

    if not token:
        raise invalid("an administrator's token is needed: --token or MLREEF_TOKEN")
    raise typer.Exit(_play(Demo(url, token, library or _library(), frozenset(without or ())), report))


serve = typer.Typer(
    help="Start one service by itself; its settings come from MLREEF_* variables.", no_args_is_help=True
)


@serve.command("forge")
def serve_forge(host: Host = "127.0.0.1", port: Port = 8081, workers: int = 1) -> None:
    """Start the forge alone."""
    _serve("forge", host, port, workers)


@serve.command("registry")
def serve_registry(host: Host = "127.0.0.1", port: Port = 8082, workers: int = 1) -> None:
    """Start the registry alone."""
    _serve("registry", host, port, workers)


@serve.command("management")
def serve_management(host: Host = "127.0.0.1", port: Port = 8083, workers: int = 1) -> None:
    """Start the management service alone."""
    _serve("management", host, port, workers)


@serve.command("gateway")
def serve_gateway(host: Host = "127.0.0.1", port: Port = 8080, workers: int = 1) -> None:
    """Serve the web application and one origin in front of services that run apart."""
    _serve("gateway", host, port, workers)


@serve.command("init")
def serve_init(
    admin_password_file: Annotated[Path | None, typer.Option(help="Holds the administrator's first password.")] = None,
) -> None:
    """Prepare a forge's database: administrator and service account; prints their secrets once, as JSON."""
    from mlreef.compose import alone

    password = admin_password_file.read_text().strip() if admin_password_file else None
    sys.stdout.write(json.dumps(asyncio.run(alone.initialise_forge(password))) + "\n")


def _serve(service: str, host: str, port: int, workers: int) -> None:
    from mlreef.compose import alone

    logs.configure(json=True)
    alone.serve(service, host=host, port=port, workers=workers)


async def _demo_beside(server: Server, without: frozenset[str], report: Path | None, stop: asyncio.Event) -> int:
    """Play the demo in a thread while this loop serves it; Ctrl-C ends both."""
    from mlreef.cli.demo import Demo

    day = Demo(server.url, server.admin_token, _library(), without)
    playing = asyncio.ensure_future(asyncio.to_thread(_play, day, report))
    stopping = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    return playing.result() if playing in done else 130


def _play(day: Demo, report_file: Path | None) -> int:
    import gitlab

    from mlreef.cli.demo import Report, play

    report = Report()
    try:
        play(day, report)
    except PlatformError as exc:
        output.error(str(exc))
    except gitlab.GitlabError as exc:
        output.error(f"the server refused: {exc.error_message} (HTTP {exc.response_code})")
    finally:
        report.show()
        if report_file is not None:
            report.write(report_file)
    return 0 if report.ok else 1


def _library() -> Path:
    """The starter library of the checkout, or the one that the package carries."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package.parents[1] / "processors", package / "processors"):
        if candidate.is_dir():
            return candidate
    raise invalid("the starter library was not found: name it with --library")


def _greet(server: Server) -> None:
    output.note(f"MLReef is up: {server.url}")
    if server.new_admin_password is not None:
        output.note("administrator: root")
        output.note(f"password: {server.new_admin_password}   (shown only now)")


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
