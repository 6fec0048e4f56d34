"""The one failure of reading a CI configuration: all faults found, each a sentence that names its job and key."""

from __future__ import annotations

from collections.abc import Sequence

from mlreef.kit.errors import Kind, PlatformError


class ConfigError(PlatformError):
    """A configuration that cannot become a CI pipeline; `faults` is what `ci/lint` answers."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(Kind.INVALID, "; ".join(self.faults))


def fault(message: str) -> ConfigError:
    """A configuration error with a single fault."""
    return ConfigError([message])
