"""What others use of processors: finding versions, and counting their use."""

from __future__ import annotations

from mlreef.management.processors.catalogue import LATEST, VisibleCatalogue, find_version
from mlreef.management.processors.store import count_use

__all__ = ["LATEST", "VisibleCatalogue", "count_use", "find_version"]
