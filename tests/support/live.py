"""A whole MLReef as a user starts it: `mlreef up` in a process of its own, driven through the SDK."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from mlreef import sdk
from mlreef.cli import environment
from mlreef.sdk import MLReef
from support import ports

PROCESSORS = Path(__file__).parent.parent / "e2e/processors"
KINDS = {"copy": "operation", "trouble": "operation", "arguments": "operation", "learn": "algorithm"}


@dataclass
class Live:
    """A running server, an administrator, an ordinary user, and (after `seed`) a data project and processors."""

    folder: Path
    executor: str = "auto"
    log_level: str = "WARNING"
    port: int = field(default_factory=ports.free)
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    username: str = "ada"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    project_path: str = "lab/data"
    token: str = ""
    admin_token: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def reef(self) -> MLReef:
        """The ordinary user's client."""
        return MLReef(self.url, self.token)

    @property
    def admin(self) -> MLReef:
        return MLReef(self.url, self.admin_token)

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "admin-password"
        secret.write_text(self.admin_password)
        command = [sys.executable, "-m", "mlreef.cli", "up", "--port", str(self.port), "--executor", self.executor]
        command += ["--log-level", self.log_level]
        command += ["--data-dir", str(self.folder / "data"), "--admin-password-file", str(secret)]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        ports.wait(self._ready, f"the start of {self.url} (see {self.folder}/log)", seconds=60)

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
        try:
            return httpx.get(f"{self.url}/-/readiness", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the server: politely, or with SIGKILL."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None

    def people(self) -> None:
        """Log the administrator in; make the ordinary user and a group of theirs."""
        self.admin_token = sdk.login(self.url, "root", self.admin_password)
        self.new_user(self.username, self.password)
        self.token = sdk.login(self.url, self.username, self.password)
        self.reef.forge.groups.create({"name": "Lab", "path": "lab"})

    def new_user(self, username: str, password: str) -> None:
        sdk.register(self.url, username, password, f"{username}@example.org")

    def seed(self) -> None:
        """An environment, a data project with a few files, and the test processors, published."""
        environment.ensure_project(self.admin)
        environment.build(self.admin, self.admin_token, "python-3.11", lambda _line: None)
        files = {f"input/{n}.txt": f"text number {n}\n" for n in range(5)} | {"README.md": "# Data\n\nA few *texts*.\n"}
        self.project("data", files)
        for name, kind in KINDS.items():
            self.publish(name, kind)

    def project(self, name: str, files: dict[str, str], **options: Any) -> Any:
        """A project of the ordinary user's group, with files."""
        group = self.reef.forge.groups.get("lab").id
        made = self.reef.forge.projects.create({"name": name, "path": name, "namespace_id": group, **options})
        actions = [{"action": "create", "file_path": path, "content": text} for path, text in files.items()]
        made.commits.create({"branch": "main", "commit_message": "First files", "actions": actions})
        return made

    def publish(self, name: str, kind: str, **options: Any) -> dict[str, Any]:
        """Publish one of the test processors from a code project of its own."""
        made = self.project(f"code-{name}", {f"{name}.py": (PROCESSORS / f"{name}.py").read_text()})
        fields = {"ref": "main", "entry": f"{name}.py", "name": name, "kind": kind, "environment": "python-3.11"}
        started = self.reef.publish(made.id, **{**fields, **options})
        done = self.reef.wait_publication(started["id"], timeout=240)
        assert done["status"] == "succeeded", done
        return done


def step(name: str, processor: str, source: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    """One step of a definition, over `input` of the main branch by default."""
    given = source or {"branch": "main", "path": "input"}
    return {
        "name": name,
        "processor": f"lab/code-{processor}/{processor}@latest",
        "inputs": {"input_path": given},
        "parameters": parameters,
        "machine": "cpu-small",
        "timeout": 300,
    }


def definition(name: str, kind: str, *steps: dict[str, Any]) -> dict[str, Any]:
    """A data pipeline definition."""
    return {"version": 1, "name": name, "kind": kind, "steps": list(steps)}
