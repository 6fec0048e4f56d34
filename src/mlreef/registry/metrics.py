"""What the registry counts for operators: bytes received, refusals by quota, and the garbage collection's work."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Meters:
    """The registry's own series, beside those that every service has."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.received = Counter("mlreef_registry_received_bytes", "Bytes of blobs received", registry=registry)
        self.over_quota = Counter("mlreef_registry_over_quota", "Uploads refused by a quota", registry=registry)
        self._runs = Counter("mlreef_registry_gc_runs", "Garbage collections", registry=registry)
        self._manifests = Counter("mlreef_registry_gc_manifests", "Manifests collected", registry=registry)
        self._objects = Counter("mlreef_registry_gc_objects", "Objects removed", registry=registry)
        self._bytes = Counter("mlreef_registry_gc_bytes", "Bytes freed", registry=registry)
        self._last = Gauge("mlreef_registry_gc_last_seconds", "When garbage was collected last", registry=registry)

    def collected(self, manifests: int, objects: int, size: int, *, dry_run: bool) -> None:
        """Note a garbage collection; a dry run removes nothing."""
        if dry_run:
            return
        self._runs.inc()
        self._manifests.inc(manifests)
        self._objects.inc(objects)
        self._bytes.inc(size)
        self._last.set_to_current_time()
