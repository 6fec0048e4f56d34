"""The embedded default: every service, the web application and one runner in one process on one port.

Secrets that the parts share (service account, runner, webhooks) are made at the first start and kept in the data
directory, readable by its owner alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from mlreef import forge, management, registry
from mlreef.compose.inprocess import InProcess
from mlreef.compose.origin import Origin
from mlreef.compose.web import Web
from mlreef.kit import logs
from mlreef.kit.errors import Kind, PlatformError

log = logs.get(__name__)

_NO_RUNNER = "none"
_ANSWERS_FIRST = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start and where."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    url: str | None = None
    """The URL that users see; by default the address listened on."""
    executor: str = "auto"
    """The runner's executor, or `none` for no runner."""
    capacity: int = 2
    admin_password: str | None = None
    """The administrator's first password; a random one is made when it is left out."""


@dataclass(frozen=True, slots=True)
class Server:
    """What is running, and what only its starter may know."""

    url: str
    admin_token: str
    new_admin_password: str | None
    """Set at the first start only, when the password was made up."""


@asynccontextmanager
async def running(plan: Plan) -> AsyncIterator[Server]:
    """Run everything while the block lasts; the block begins when the first request can be answered."""
    plan.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _sole_owner(plan.data_dir), _listening(plan) as listener:
        url = (plan.url or f"http://{_shown(plan.host)}:{listener.getsockname()[1]}").rstrip("/")
        kept = Secrets.load(plan.data_dir / "secrets.json")
        settings = _forge_settings(plan.data_dir, url, kept)
        made = await forge.initialise(settings, admin_password=plan.admin_password)
        if made.service_token:
            kept.service_token = made.service_token
            kept.save()
        async with _serving(_origin(plan.data_dir, url, settings, kept), listener):
            if not kept.admin_token and made.admin_password:
                kept.admin_token = await asyncio.to_thread(_admin_token, url, made.admin_password)
                kept.save()
            shown = made.admin_password if plan.admin_password is None else None
            async with _runner(plan, url, kept):
                yield Server(url, kept.admin_token, shown)


@dataclass(slots=True)
class Secrets:
    """What the parts share; a file that only the owner of the data directory can read."""

    path: Path
    hook_secret: str = ""
    registration_token: str = ""
    service_token: str = ""
    runner_token: str = ""
    admin_token: str = ""

    @classmethod
    def load(cls, path: Path) -> Secrets:
        """Read the file; what must exist before anything starts is made here."""
        found = cls(path, **(json.loads(path.read_text()) if path.is_file() else {}))
        found.hook_secret = found.hook_secret or secrets.token_urlsafe(32)
        found.registration_token = found.registration_token or f"glrtr-{secrets.token_urlsafe(32)}"
        found.save()
        return found

    def save(self) -> None:
        """Write the file whole or not at all."""
        names = ("hook_secret", "registration_token", "service_token", "runner_token", "admin_token")
        temporary = self.path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({name: getattr(self, name) for name in names}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)


def _forge_settings(data: Path, url: str, kept: Secrets) -> forge.Settings:
    return forge.Settings(
        database_url=f"sqlite:///{data}/forge.db",
        repositories_dir=data / "repositories",
        objects_url=f"file://{data}/objects",
        secrets_dir=data / "keys",
        external_url=url,
        ci_remote_prefixes=[f"{url}/api/v1/ci/"],
        hook_origins=[url],
        registration_token=kept.registration_token,
    )


def _origin(data: Path, url: str, settings: forge.Settings, kept: Secrets) -> Origin:
    inside = InProcess(url)
    services = {
        "forge": forge.create_app(settings, transport=inside),
        "registry": registry.create_app(
            registry.Settings(
                database_url=f"sqlite:///{data}/registry.db",
                objects_url=f"file://{data}/images",
                external_url=url,
                token_realm=f"{url}/jwt/auth",
                jwks_url=f"{url}/oauth/discovery/keys",
                token_issuer=settings.token_issuer,
            ),
            transport=inside,
        ),
        "management": management.create_app(
            management.Settings(
                database_url=f"sqlite:///{data}/management.db",
                objects_url=f"file://{data}/results",
                external_url=url,
                forge_url=url,
                service_token=kept.service_token,
                hook_secret=kept.hook_secret,
            ),
            transport=inside,
        ),
    }
    origin = Origin(services, Web())
    inside.bind(origin)
    return origin


@asynccontextmanager
async def _serving(origin: Origin, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        origin, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2, server_header=False
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise PlatformError(Kind.UNAVAILABLE, "the server could not start; the log above says why")
            await asyncio.sleep(0.01)
        yield
    finally:
        origin.stopping()
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the command that started it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _runner(plan: Plan, url: str, kept: Secrets) -> AsyncIterator[None]:
    if plan.executor == _NO_RUNNER:
        yield
        return
    if not kept.runner_token:
        kept.runner_token = await _register_runner(url, kept.registration_token)
        kept.save()
    stop = asyncio.Event()
    task = asyncio.create_task(_run_jobs(plan, url, kept.runner_token, stop))
    task.add_done_callback(tell_runner_failure)
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


async def _run_jobs(plan: Plan, url: str, token: str, stop: asyncio.Event) -> None:
    await asyncio.sleep(_ANSWERS_FIRST)  # loading the runner holds everything up
    from mlreef import runner

    settings = runner.Settings(
        url=url,
        token=token,
        name=f"local runner of {socket.gethostname()}",
        executor=plan.executor,
        capacity=plan.capacity,
        work_dir=plan.data_dir / "runner/work",
        cache_dir=plan.data_dir / "runner/cache",
        trusted_keys=[plan.data_dir / "management/signing.pub"],
    )
    await runner.run(settings, stop=stop)


def tell_runner_failure(task: asyncio.Task[None]) -> None:
    """Say at once why no job will run here any more: the server goes on, and nobody else awaits this task."""
    failure = None if task.cancelled() else task.exception()
    if isinstance(failure, PlatformError):
        log.error("the local runner has ended: jobs wait until it runs again", reason=failure.message)
    elif failure is not None:
        log.error("the local runner has failed: jobs wait until it runs again", exc_info=failure)


async def _register_runner(url: str, registration_token: str) -> str:
    classes = management.Settings.model_fields["machine_classes"].get_default()
    body = {
        "token": registration_token,
        "description": f"local runner of {socket.gethostname()}",
        "tag_list": ",".join(one.name for one in classes),
        "run_untagged": True,
    }
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{url}/api/v4/runners", json=body)
    if answer.status_code != 201:
        raise PlatformError(Kind.UNAVAILABLE, f"the local runner could not be registered: {answer.text[:300]}")
    token: str = answer.json()["token"]
    return token


def _admin_token(url: str, password: str) -> str:
    from mlreef import sdk

    return sdk.login(url, "root", password, name="operator on this machine", days=364)


@contextlib.contextmanager
def _sole_owner(data: Path) -> Iterator[None]:
    """Two servers on one data directory would break each other: the second one is refused."""
    import fcntl

    with (data / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another server runs on {data}: stop it, or choose another --data-dir"
            raise PlatformError(Kind.CONFLICT, message) from None
        yield


@contextlib.contextmanager
def _listening(plan: Plan) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET6 if ":" in plan.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((plan.host, plan.port))
    except OSError as exc:
        listener.close()
        message = f"{plan.host}:{plan.port} cannot be listened on ({exc.strerror}): choose another --port"
        raise PlatformError(Kind.CONFLICT, message) from exc
    with listener:
        yield listener


def _shown(host: str) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - what to show for it, not what to bind
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
