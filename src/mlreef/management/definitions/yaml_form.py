"""Definitions as YAML files (`*.mlreef.yaml`), lossless in both directions.

Read by `kit.safe_yaml`, so that the file means what its JSON twin means. What is written quotes every text that YAML
1.1 or 1.2 readers could take for something else.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from mlreef.kit import safe_yaml


class _Dumper(yaml.SafeDumper):
    """Block style; text is plain only when every reader takes it for text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_/.@-]*(?: [A-Za-z0-9_/.@-]+)*")
_AMBIGUOUS = re.compile(r"(?i)null|true|false|yes|no|on|off|y|n|nan|inf|\.nan|\.inf|~")


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(value) is not None and _AMBIGUOUS.fullmatch(value) is None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def load(text: str | bytes) -> Any:
    """The document in a YAML (or JSON) text; one clear error with line and column when it cannot be read."""
    return safe_yaml.load(text, subject="definition")


def dump(document: Any) -> str:
    """The document as YAML text that `load` reads back as an equal value."""
    return yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6, default_flow_style=False
    )
