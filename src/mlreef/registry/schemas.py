"""Wire shapes of the administrators' endpoints."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Quota(BaseModel):
    """A namespace's quota: bytes, 0 for no limit, null for the default of the settings."""

    model_config = ConfigDict(extra="forbid", strict=True)

    quota_bytes: int | None = Field(ge=0, le=1 << 60)


class Collection(BaseModel):
    """How to collect garbage."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: bool = False
