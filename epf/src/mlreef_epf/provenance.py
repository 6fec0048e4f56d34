"""How an image came to be, as an in-toto statement with SLSA provenance (in-toto Statement v1, SLSA provenance v1).

Times and the job's address belong to the statement alone; the image itself does not know them, so that building it
again gives the same digest.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Sequence

from mlreef_epf import __version__, sbom

MEDIA_TYPE = "application/vnd.in-toto+json"
STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"
PROCESSOR, ENVIRONMENT = "urn:mlreef:build:processor:v1", "urn:mlreef:build:environment:v1"


def statement(
    subject: Mapping[str, str],
    build_type: str,
    asked: Mapping[str, Any],
    used: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any],
) -> Dict[str, Any]:
    """The statement about one image: what was asked for, what was used, and by which run."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": subject["name"], "digest": {"sha256": subject["digest"].partition(":")[2]}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": build_type,
                "externalParameters": dict(asked),
                "internalParameters": {},
                "resolvedDependencies": list(used),
            },
            "runDetails": {
                "builder": {"id": run["builder"], "version": {"mlreef-epf": __version__}},
                "metadata": {
                    "invocationId": run["invocation"],
                    "startedOn": moment(run["started"]),
                    "finishedOn": moment(run["finished"]),
                },
            },
        },
    }


def git(url: str, commit: str) -> Dict[str, Any]:
    """A commit as something that was used."""
    return {"uri": "git+%s" % url, "digest": {"gitCommit": commit}}


def image(reference: str) -> Dict[str, Any]:
    """An image as something that was used."""
    name, _, digest = reference.partition("@")
    return {"uri": "oci://" + name, "digest": {"sha256": digest.partition(":")[2]}}


def lock(key: str) -> Dict[str, Any]:
    """The locked set of packages as something that was used."""
    return {"uri": "urn:mlreef:lock", "digest": {"sha256": key}}


def packages(components: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Packages as things that were used."""
    found = []
    for row in components:
        item: Dict[str, Any] = {"uri": sbom.purl(row)}
        if row.get("sha256"):
            item["digest"] = {"sha256": row["sha256"]}
        found.append(item)
    return found


def moment(seconds: float) -> str:
    """A time as RFC 3339 has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
