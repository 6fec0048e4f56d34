"""What a publication says of its processor: one of them describes the processor at a time."""

from __future__ import annotations

from typing import Any

from mlreef.management.processors.records import Publication

SINGLE = ("title", "kind", "model_type", "ml_category", "licence")
LISTED = ("input_types", "output_types", "tags")


def described(publication: Publication) -> dict[str, Any]:
    """The columns of a processor that its version's publication fills."""
    told = publication.description
    return {
        **{key: told.get(key) for key in SINGLE},
        **{key: told.get(key) or [] for key in LISTED},
        "description": told["description"],
        "framework": told.get("framework") or "",
        "readme": told.get("readme") or "",
        "environment": publication.environment,
    }
