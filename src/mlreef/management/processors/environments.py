"""Environments: base images that the operator curates. Built-in names wait until an image is registered for them.

A processor version records the digest of the environment it was built on; registering another image changes nothing
for versions that exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, invalid
from mlreef.management.processors import environment_store
from mlreef.management.processors.records import Environment

_IMAGE = re.compile(r"[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[a-z0-9._-]+)+@(sha256:[0-9a-f]{64})")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")

BUILT_IN = {
    one.name: one
    for one in (
        Environment("python-3.11", "Python 3.11", "Python and nothing else", "python"),
        Environment(
            "scikit-learn",
            "scikit-learn",
            "NumPy, SciPy, scikit-learn, pandas, matplotlib and Pillow on Python 3.11",
            "scikit-learn",
        ),
        Environment("tensorflow-2", "TensorFlow 2", "TensorFlow for CPUs, Keras and Pillow", "tensorflow"),
        Environment("tensorflow-2-gpu", "TensorFlow 2 (GPU)", "TensorFlow with CUDA", "tensorflow", flavour="gpu"),
        Environment("pytorch-2", "PyTorch 2", "PyTorch for CPUs, NumPy and Pillow", "pytorch"),
        Environment("pytorch-2-gpu", "PyTorch 2 (GPU)", "PyTorch with CUDA, NumPy", "pytorch", flavour="gpu"),
    )
}


async def list_all(tx: Tx) -> list[Environment]:
    """Built-in and registered environments; those without an image cannot be chosen yet."""
    return list((BUILT_IN | await environment_store.list_registered(tx)).values())


async def find(tx: Tx, name: str) -> Environment | None:
    """An environment by name."""
    return next((one for one in await list_all(tx) if one.name == name), None)


async def register(
    tx: Tx,
    *,
    name: str,
    image: str,
    by: str,
    now: datetime,
    title: str | None = None,
    description: str | None = None,
    framework: str | None = None,
    flavour: str | None = None,
    packages: Sequence[str] = (),
    source: Mapping[str, Any] | None = None,
) -> Environment:
    """Make an image selectable under a name."""
    digest = check(name, image)
    before = await find(tx, name)
    values = {
        "title": title or (before.title if before else name),
        "description": description or (before.description if before else ""),
        "framework": framework or (before.framework if before else ""),
        "flavour": flavour or (before.flavour if before else "cpu"),
        "packages": list(packages),
        "source": dict(source or {}),
        "image": image,
        "digest": digest,
        "registered_by": by,
        "updated_at": now,
    }
    await environment_store.put(tx, name, values)
    return Environment(name=name, **values)  # type: ignore[arg-type]


async def remove(tx: Tx, name: str) -> bool:
    """Forget the image of an environment; a built-in name waits for another one. Says whether there was one."""
    return await environment_store.delete(tx, name)


def check(name: str, image: str) -> str:
    """The digest of an image that may be registered under a name; raises with all faults."""
    faults = []
    if not _NAME.fullmatch(name):
        faults.append(Detail("name", "use a-z, 0-9, '.' and '-', at most 63 characters"))
    match = _IMAGE.fullmatch(image)
    if match is None:
        faults.append(Detail("image", "name it by digest: <registry host>/<path>@sha256:<64 hexadecimal digits>"))
    if faults or match is None:
        raise invalid("the environment cannot be registered", details=faults)
    return match[1]
