"""What a run on this machine needs: the cache, the environment's image, the layers, the framework, the job."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlreef.cli import output, session
from mlreef.cli.local import files, image
from mlreef.cli.local.image import Environment
from mlreef.extraction.study import Study
from mlreef.kit.errors import PlatformError, invalid, not_found, unavailable

if TYPE_CHECKING:
    from mlreef.cli.local.http import Work

_MAX_FILES, _MAX_BYTES = 20_000, 1 << 30
_PINS, _PYTHON = "mlreef.packages", "mlreef.python"


def cache_folder() -> Path:
    """Where layers and packages are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    found = Path(base) / "mlreef"
    found.mkdir(parents=True, exist_ok=True)
    return found


async def environment(name: str, cache: Path) -> Environment:
    """The environment from the server that the user is logged in to, or as it was when it was last used."""
    kept = cache / "environments" / f"{name.replace('/', '_')}.json"
    try:
        reef, credentials = session.connect(), session.load()
        listed = next((one for one in reef.environments() if name in {one["name"], one["image"]}), None)
        server = reef.http.call("GET", "/api/v1/server")
        user = reef.http.call("GET", "/api/v4/user")["username"]
    except PlatformError as exc:
        found = image.find_kept(kept)
        if found is None:
            message = f"the environment {name} is not on this machine yet and no server is at hand ({exc.message})"
            raise unavailable(f"{message}; run it without one: --environment host") from exc
        output.note(f"environment: {name} as kept on this machine ({exc.message})")
        return found
    if listed is None or not listed["image"]:
        raise not_found(f"The environment {name} (see `mlreef environment list`)")
    found = image.find_kept(kept)
    if found is None or found.reference != listed["image"]:
        url = image.registry_url(listed["image"], server["registry_url"])
        found = await image.fetch(listed["image"], url, (user, credentials.token))
        image.keep(found, kept)
    else:
        url = image.registry_url(found.reference, server["registry_url"])
        repository = found.reference.partition("@")[0].partition("/")[2]
        found.upstream = image.Upstream(url, repository, (user, credentials.token))
    return found


def layers(root: Path, study: Study, base: Environment | None, scratch: Path) -> list[Path]:
    """The project's files, and below them the packages that the environment lacks, as layers."""
    found = []
    requirements = _requirements(root, study)
    if requirements and base is None:
        output.note("requirements: as installed on this machine (environment host)")
    elif requirements and base is not None:
        installed = _install(requirements, base, scratch)
        if installed is not None:
            found.append(installed)
    names = list(files.listed(root))
    size = sum((root / name).stat().st_size for name in names)
    if len(names) > _MAX_FILES or size > _MAX_BYTES:
        message = f"{root} has {len(names)} files of {size >> 20} MiB: too much for a code project"
        raise invalid(f"{message}; keep data elsewhere or list it in .gitignore")
    code = scratch / "code.tar"
    image.pack(root, names, code, "mlreef/code")
    return [*found, code]


def _requirements(root: Path, study: Study) -> str:
    listed = study.manifest.values.get("requirements")
    if isinstance(listed, list):
        return "\n".join(listed)
    return (root / study.requirements).read_text() if study.requirements else ""


def _install(text: str, base: Environment, scratch: Path) -> Path | None:
    """Lock and install as publication does, by the framework itself."""
    epf, wanted, target = scratch / "epf.pyz", scratch / "requirements.txt", scratch / "packages"
    epf.write_bytes(framework())
    wanted.write_text(text)
    labels = base.labels
    command = [sys.executable, str(epf), "packages", "--requirements", str(wanted), "--into", str(target)]
    command += [
        "--python",
        labels.get(_PYTHON) or f"{sys.version_info[0]}.{sys.version_info[1]}",
        "--held",
        labels.get(_PINS, ""),
    ]
    command += ["--architecture", base.config.get("architecture", "") if _PYTHON in labels else ""]
    with output.err.status("installing packages"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise invalid((done.stdout + done.stderr).strip()[-2000:] or "the packages cannot be installed")
    if not target.is_dir() or not any(target.iterdir()):
        return None
    layer = scratch / "packages.tar"
    names = sorted(one.relative_to(target).as_posix() for one in target.rglob("*") if one.is_file())
    image.pack(target, names, layer, "opt/deps")
    return layer


def framework() -> bytes:
    """The framework that jobs run, as this installation carries it."""
    from mlreef.management.serving import framework as frameworks

    return frameworks.load(None).required().content


def job(work: Work, url: str, timeout: int, network: str) -> dict[str, Any]:
    """The job as a forge would hand it out."""
    host = url.partition("://")[2]
    variables = {
        "GIT_STRATEGY": "none",
        "MLREEF_URL": url,
        "MLREEF_ID_TOKEN": work.token,
        "CI_JOB_TOKEN": work.token,
        "MLREEF_EPF_URL": f"{url}/api/v1/epf.pyz",
        "MLREEF_EPF_SHA256": hashlib.sha256(work.framework).hexdigest(),
        "MLREEF_NETWORK": network,
    }
    script = ['exec python3 -IS "$MLREEF_EPF" run']
    return {
        "id": 1,
        "token": work.token,
        "job_info": {"name": "local", "stage": "run", "project_id": 1, "project_full_path": "local/project"},
        "runner_info": {"timeout": timeout + 600},
        "git_info": {"repo_url": f"{url}/local/project.git", "ref": "main", "sha": "0" * 40},
        "variables": [{"key": key, "value": value, "raw": True} for key, value in variables.items()],
        "steps": [{"name": "script", "script": script, "timeout": timeout + 600, "when": "on_success"}],
        "image": {"name": f"{host}/local/processor:local", "entrypoint": [""]},
        "credentials": [{"type": "registry", "url": host, "username": "job", "password": work.token}],
        "features": {"failure_reasons": []},
    }
