"""pip's own configuration, translated for uv: whoever set up pip on a machine has said where packages come from.

Only what names sources is taken: indexes from the environment, local directories of wheels also from pip's files.
"""

from __future__ import annotations

import configparser
import os
from typing import Dict, Mapping

_VARIABLES = (("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), ("UV_INDEX", "PIP_EXTRA_INDEX_URL"))


def for_uv(environ: Mapping[str, str]) -> Dict[str, str]:
    """The variables that make uv use pip's sources; what is set for uv already is left alone."""
    found = {ours: environ[theirs] for ours, theirs in _VARIABLES if environ.get(theirs) and not environ.get(ours)}
    links = environ.get("PIP_FIND_LINKS") or _find_links(environ)
    if links and not environ.get("UV_FIND_LINKS"):
        found["UV_FIND_LINKS"] = ",".join(links.replace(",", " ").split())
    return found


def _find_links(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME") or "/nonexistent"
    places = ["/etc/pip.conf", os.path.join(home, ".pip", "pip.conf"), os.path.join(home, ".config", "pip", "pip.conf")]
    if environ.get("PIP_CONFIG_FILE"):
        places.append(environ["PIP_CONFIG_FILE"])
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    for path in places:  # later files override earlier ones, as in pip
        try:
            parser.read(path)
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
    return parser.get("global", "find-links", fallback="")
