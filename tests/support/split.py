"""MLReef as separate processes: forge, registry, management, gateway and two runners, on PostgreSQL and S3."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from mlreef import sdk
from support import ports
from support.live import Live


@dataclass
class Split(Live):
    """The interface of `Live`, with every service in a process of its own."""

    postgres: str = ""
    s3: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        listening = {name: ports.free() for name in ("forge", "registry", "management")}
        urls = {name: f"http://127.0.0.1:{port}" for name, port in listening.items()}
        env = {**os.environ, **self._settings(urls)}
        password = self.folder / "admin-password"
        password.write_text(self.admin_password)
        init = [sys.executable, "-m", "mlreef.cli", "serve", "init", "--admin-password-file", str(password)]
        made = json.loads(subprocess.run(init, env=env, check=True, capture_output=True, text=True).stdout)
        env["MLREEF_MANAGEMENT_SERVICE_TOKEN"] = made["service_token"]
        for name, port in {**listening, "gateway": self.port}.items():
            self._spawn(name, ["serve", name, "--port", str(port)], env)
            ports.wait(lambda port=port: _ready(port), f"{name}'s start (see {self.folder}/{name}.log)", seconds=60)
        self.admin_token = sdk.login(self.url, "root", self.admin_password)
        for number in (1, 2):
            self._runner(number, urls, env)

    def _settings(self, urls: dict[str, str]) -> dict[str, str]:
        place, bucket = secrets.token_hex(4), secrets.token_hex(4)
        objects = f"s3://mlreef/{bucket}"
        return {
            "MLREEF_FORGE_DATABASE_URL": f"{self.postgres}?schema=forge_{place}",
            "MLREEF_FORGE_REPOSITORIES_DIR": str(self.folder / "repositories"),
            "MLREEF_FORGE_OBJECTS_URL": f"{objects}/forge?{self.s3}",
            "MLREEF_FORGE_SECRETS_DIR": str(self.folder / "keys"),
            "MLREEF_FORGE_EXTERNAL_URL": self.url,
            "MLREEF_FORGE_REGISTRY_URL": urls["registry"],
            "MLREEF_FORGE_CI_REMOTE_PREFIXES": f"{urls['management']}/api/v1/ci/",
            "MLREEF_FORGE_HOOK_ORIGINS": urls["management"],
            "MLREEF_REGISTRY_DATABASE_URL": f"{self.postgres}?schema=registry_{place}",
            "MLREEF_REGISTRY_OBJECTS_URL": f"{objects}/registry?{self.s3}",
            "MLREEF_REGISTRY_EXTERNAL_URL": urls["registry"],
            "MLREEF_REGISTRY_TOKEN_REALM": f"{urls['forge']}/jwt/auth",
            "MLREEF_REGISTRY_JWKS_URL": f"{urls['forge']}/oauth/discovery/keys",
            "MLREEF_MANAGEMENT_DATABASE_URL": f"{self.postgres}?schema=management_{place}",
            "MLREEF_MANAGEMENT_OBJECTS_URL": f"{objects}/management?{self.s3}",
            "MLREEF_MANAGEMENT_EXTERNAL_URL": urls["management"],
            "MLREEF_MANAGEMENT_FORGE_URL": urls["forge"],
            "MLREEF_MANAGEMENT_FORGE_EXTERNAL_URL": self.url,
            "MLREEF_MANAGEMENT_REGISTRY_URL": urls["registry"],
            "MLREEF_MANAGEMENT_HOOK_SECRET": secrets.token_hex(16),
            "MLREEF_MANAGEMENT_SIGNING_KEY_FILE": str(self.folder / "signing.key"),
            **{f"MLREEF_GATEWAY_{name.upper()}_URL": url for name, url in urls.items()},
        }

    def _runner(self, number: int, urls: dict[str, str], env: dict[str, str]) -> None:
        body = {
            "runner_type": "instance_type",
            "description": f"runner {number}",
            "tag_list": ["cpu-small", "cpu-large"],
        }
        made = self.admin.http.call("POST", "/api/v4/user/runners", json={**body, "run_untagged": True})
        folder = self.folder / f"runner-{number}"
        command = ["runner", "--url", urls["forge"], "--executor", self.executor, "--capacity", "1"]
        command += ["--work-dir", str(folder / "work"), "--cache-dir", str(folder / "cache")]
        # Root runners share the machine here: each needs user ids of its own.
        own = {
            "MLREEF_RUNNER_TOKEN": made["token"],
            "MLREEF_RUNNER_UID_BASE": str(220_000 + 1000 * number),
            # Jobs have no network: the origins beside the forge's own that they may reach are the operator's to name.
            "MLREEF_RUNNER_ALLOWED_ORIGINS": json.dumps([urls["management"], self.url]),
        }
        self._spawn(f"runner-{number}", command, {**env, **own})

    def _spawn(self, name: str, arguments: list[str], env: dict[str, str]) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        command = [sys.executable, "-m", "mlreef.cli", *arguments]
        self.processes.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))

    def stop(self, number: int = 15) -> None:
        for process in reversed(self.processes):
            process.send_signal(number)
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes.clear()


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/-/readiness", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def log_of(folder: Path) -> str:
    """What all processes said, for a failing test."""
    return "\n".join(f"== {path.name}\n{path.read_text()[-2000:]}" for path in sorted(folder.glob("*.log")))
