"""The CI configuration of a publication: one job that builds and pushes an image, on the environment itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlreef.management.attestations import service as attestations
from mlreef.management.definitions import yaml_form
from mlreef.management.processors import publishing
from mlreef.management.processors.records import Publication
from mlreef.management.runs import ci_config
from mlreef.management.settings import Settings

JOB = "publish"


def render(publication: Publication, settings: Settings, epf_sha256: str) -> str:
    """The configuration as YAML. It holds no secret: the job authenticates with what the forge gives it."""
    job: dict[str, Any] = {
        "stage": "publish",
        "image": {"name": publication.base_image, "entrypoint": [""]},
        "tags": [settings.build_machine],
        "timeout": f"{settings.publication_seconds}s",
        "id_tokens": {"MLREEF_ID_TOKEN": {"aud": settings.external_url}},
        "variables": {
            "GIT_STRATEGY": "none",
            "MLREEF_URL": settings.external_url,
            "MLREEF_JOB_KIND": "publish",
            "MLREEF_EPF_URL": settings.epf_url,
            "MLREEF_EPF_SHA256": epf_sha256,
            "MLREEF_NETWORK": "package-index",
        },
        "script": [ci_config.bootstrap("publish")],
    }
    return yaml_form.dump({"stages": ["publish"], "workflow": {"rules": [{"when": "always"}]}, JOB: job})


def specification(
    publication: Publication, settings: Settings, previous: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The job's work in full: nothing in it is left to the job to decide. `previous` saves it work."""
    forge = settings.public_forge_url
    return {
        "kind": "publish",
        "publication": {
            "id": publication.id,
            "project_id": publication.project_id,
            "project_path": publication.project_path,
            "commit": publication.commit,
            "name": publication.name,
            "base_image": publication.base_image,
            "target": target(publication, settings),
            "tag": publication.version,
            "entry": publication.entry,
            "command": publishing.command(publication),
            "requirements": publication.description.get("requirements", publication.requirements),
            "environment": _environment(publication),
            "manifest": publication.manifest,
            "parameters": publication.parameters,
            "previous": dict(previous) if previous is not None else None,
            "source_limits": {"files": settings.source_max_files, "bytes": settings.source_max_bytes},
            "labels": _labels(publication),
        },
        "forge": {
            "url": forge,
            "project_id": publication.project_id,
            "lfs_url": f"{forge}/{publication.project_path}.git/info/lfs",
        },
        "registry": {"url": settings.public_registry_url},
        "limits": {"timeout_s": settings.publication_seconds},
    }


def _environment(publication: Publication) -> dict[str, Any]:
    image = publication.base_image
    return {"name": publication.environment, "image": image, "digest": image.rpartition("@")[2]}


def _labels(publication: Publication) -> dict[str, str]:
    """What the image says of itself to whoever inspects it."""
    told = publication.manifest
    found = {
        "mlreef.environment": publication.environment,
        "mlreef.version": publication.version,
        "mlreef.kind": told.get("kind"),
        "mlreef.network": told.get("network", "none"),
        "org.opencontainers.image.licenses": told.get("licence"),
        "org.opencontainers.image.description": told.get("description"),
    }
    return {key: str(value) for key, value in found.items() if value}


def image(publication: Publication, report: publishing.Report, settings: Settings) -> attestations.Image:
    """The image of a publication, with what must be true of it before this instance vouches for it."""
    named = f"{publication.project_path}/{publication.name}@{publication.version}"
    return attestations.Image(
        reference=target(publication, settings),
        digest=report.digest or "",
        tag=publication.version,
        attestations=report.attestations,
        builder=settings.external_url,
        base=publication.base_image,
        asked={"project": publication.project_path, "commit": publication.commit, "entry": publication.entry},
        notes={"mlreef.publication": publication.id, "mlreef.version": named},
    )


def target(publication: Publication, settings: Settings) -> str:
    """Where the image goes: registries take lower-case names only."""
    return f"{settings.image_host}/{publication.project_path.lower()}/{publication.name}"
