"""The CI configuration of a run: one job per remaining step.

It is rendered here and fetched by the forge under a capability token, so nothing is ever committed into a user's
repository. It holds no secret: jobs authenticate with the short-lived identity the forge gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlreef.management.definitions import yaml_form

# The framework reports a processor's timeout itself; the job's own limit only catches a framework that hangs.
GRACE_SECONDS = 900
FRAMEWORK_BYTES = 256 << 20
"""Memory that the framework may need beside the processor, in the job that holds both."""

_DOWNLOAD = (
    "import hashlib,os,sys,urllib.request as u;"
    "d=u.urlopen(os.environ['MLREEF_EPF_URL']).read();"
    "hashlib.sha256(d).hexdigest()==os.environ['MLREEF_EPF_SHA256'] or sys.exit('the framework has a wrong digest');"
    "open(os.environ['MLREEF_EPF_FILE'],'wb').write(d)"
)


@dataclass(frozen=True, slots=True)
class Job:
    """What the configuration says of one step."""

    name: str
    image: str
    machine: str
    timeout: int
    needs: Sequence[str]
    network: str = "none"
    """What the processor may reach besides the platform: none, package-index or open."""

    memory_bytes: int | None = None
    cpus: float | None = None
    processes: int | None = None
    disk_bytes: int | None = None
    gpus: int | None = None
    """What the processor asks for; the runner takes it where it is less than its own limit."""


@dataclass(frozen=True, slots=True)
class Framework:
    """Where jobs find this service and the framework they run."""

    url: str
    epf_url: str
    epf_sha256: str


def bootstrap(verb: str) -> str:
    """The one script line of a job: the framework the runner offers, or the one downloaded and checked.

    It needs nothing but Python's own library, so neither the image's packages nor what they do at Python's start is
    allowed in (`-IS`); the processor has them again.
    """
    return (
        f'if [ -n "$MLREEF_EPF" ] && [ -f "$MLREEF_EPF" ]; then exec python3 -IS "$MLREEF_EPF" {verb}; fi; '
        'export MLREEF_EPF_FILE="${TMPDIR:-/tmp}/mlreef-epf.pyz"; '
        f'python3 -IS -c "{_DOWNLOAD}" && exec python3 -IS "$MLREEF_EPF_FILE" {verb}'
    )


def render(jobs: Sequence[Job], framework: Framework) -> str:
    """The configuration as YAML; `needs` keeps only jobs that are in it."""
    present = {job.name for job in jobs}
    document: dict[str, Any] = {"stages": ["run"], "workflow": {"rules": [{"when": "always"}]}}
    for job in jobs:
        document[job.name] = {
            "stage": "run",
            "image": {"name": job.image, "entrypoint": [""]},
            "tags": [job.machine],
            "needs": [name for name in job.needs if name in present],
            "timeout": f"{job.timeout + GRACE_SECONDS}s",
            "id_tokens": {"MLREEF_ID_TOKEN": {"aud": framework.url}},
            "variables": {
                "GIT_STRATEGY": "none",
                "MLREEF_URL": framework.url,
                "MLREEF_JOB_KIND": "step",
                "MLREEF_EPF_URL": framework.epf_url,
                "MLREEF_EPF_SHA256": framework.epf_sha256,
                "MLREEF_NETWORK": job.network,
                **_wanted(job),
            },
            "script": [bootstrap("run")],
        }
    return yaml_form.dump(document)


def _wanted(job: Job) -> dict[str, str]:
    asked = {
        "MLREEF_MEMORY_BYTES": job.memory_bytes and job.memory_bytes + FRAMEWORK_BYTES,
        "MLREEF_CPUS": job.cpus,
        "MLREEF_PROCESSES": job.processes,
        "MLREEF_DISK_BYTES": job.disk_bytes,
        "MLREEF_GPUS": job.gpus,
    }
    return {name: str(value) for name, value in asked.items() if value}
