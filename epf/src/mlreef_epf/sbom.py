"""What an image is made of, as a CycloneDX 1.6 document: Debian packages, Python packages, the code.

Every layer carries the list of its own components as an annotation of its descriptor. A layer that is taken over from
another image brings its list along, so that a bill of materials never needs a layer to be unpacked again.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence
from urllib.parse import quote

MEDIA_TYPE = "application/vnd.cyclonedx+json"
COMPONENTS = "mlreef.components"
_SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122, "URL"


def note(components: Iterable[Mapping[str, Any]]) -> str:
    """Components as the value of a layer's annotation."""
    rows = sorted(components, key=lambda row: (row["kind"], row["name"], row["version"]))
    return json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def noted(layers: Iterable[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """The components that the layers of a manifest carry; of one package, what the upper layer says."""
    found: Dict[Any, Dict[str, Any]] = {}
    for row in layers:
        try:
            listed = json.loads((row.get("annotations") or {}).get(COMPONENTS) or "[]")
            for item in listed:
                found[(item["kind"], item["name"])] = dict(item)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return [found[key] for key in sorted(found)]


def document(
    subject: str, about: Mapping[str, Any], components: Sequence[Mapping[str, Any]], base: Optional[str] = None
) -> Dict[str, Any]:
    """The bill of materials of an image (by digest). Nothing in it depends on when or where it is made."""
    listed = [_component(row) for row in components]
    if base:
        listed.append(_image(base))
    code = {
        "type": "application",
        "bom-ref": "code",
        "name": about["name"],
        "version": about["version"],
        "properties": [{"name": name, "value": str(value)} for name, value in sorted(about["properties"].items())],
    }
    if about.get("licence"):
        code["licenses"] = [{"expression": about["licence"]}]
    if about.get("source"):
        code["externalReferences"] = [{"type": "vcs", "url": about["source"], "comment": about.get("commit", "")}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:%s" % uuid.uuid5(_SPACE, "%s %s" % (subject, _digest_of(listed))),
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": "image",
                "name": about["image"],
                "version": subject,
                "hashes": [{"alg": "SHA-256", "content": subject.partition(":")[2]}],
            },
        },
        "components": [code, *listed],
        "dependencies": [{"ref": "image", "dependsOn": ["code", *(row["bom-ref"] for row in listed)]}],
    }


def _digest_of(listed: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(listed, sort_keys=True)


def _component(row: Mapping[str, Any]) -> Dict[str, Any]:
    place = purl(row)
    found: Dict[str, Any] = {
        "type": "library",
        "bom-ref": place,
        "name": row["name"],
        "version": row["version"],
        "purl": place,
    }
    if row.get("sha256"):
        found["hashes"] = [{"alg": "SHA-256", "content": row["sha256"]}]
    if row.get("licence"):
        found["licenses"] = [{"expression": row["licence"]}]
    elif row.get("licence_name"):
        found["licenses"] = [{"license": {"name": row["licence_name"]}}]
    return found


def _image(reference: str) -> Dict[str, Any]:
    name, _, digest = reference.partition("@")
    found = {"type": "container", "bom-ref": "base:" + reference, "name": name, "version": digest}
    if digest.startswith("sha256:"):
        found["hashes"] = [{"alg": "SHA-256", "content": digest[7:]}]  # type: ignore[assignment]
    return found


def purl(row: Mapping[str, Any]) -> str:
    """A component's package URL (purl specification, types deb, pypi and generic)."""
    name, version = quote(row["name"], safe="-._~"), quote(row["version"], safe="-._~")
    if row["kind"] == "deb":
        distribution = "&distro=" + quote(row["distribution"]) if row.get("distribution") else ""
        return "pkg:deb/debian/%s@%s?arch=%s%s" % (name, version, quote(row.get("architecture") or ""), distribution)
    return "pkg:%s/%s@%s" % (row["kind"], name, version)
