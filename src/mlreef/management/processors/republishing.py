"""Publications that nobody filled a form for: the same commit again, under a new number."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mlreef.kit.errors import not_found
from mlreef.management.access.service import ProjectAccess
from mlreef.management.connect import service as connect
from mlreef.management.connect import store as connections
from mlreef.management.processors import orders, publication_store, starting
from mlreef.management.processors.orders import Order
from mlreef.management.processors.records import Publication, Version
from mlreef.management.state import State


async def republish(
    state: State, access: ProjectAccess, version: Version, *, number: str | None, changelog: str | None
) -> Publication:
    """Build a version's commit anew, described as it was, on what its environment is now."""
    async with state.db.read() as tx:
        before = await publication_store.find(tx, version.publication_id)
    if before is None:
        raise not_found("Publication of the version")
    known = {one.name for one in fields(Order)}
    given: dict[str, Any] = {key: before.manifest[key] for key in orders.KEYS if key in before.manifest}
    if "environment" not in given:
        given["environment"] = before.environment
    order = Order(
        **{key: value for key, value in given.items() if key in known},
        ref=version.commit,
        entry=_entry(before),
        version=number,
        changelog=changelog if changelog is not None else f"Republished from {version.version}.",
        consent_network=bool(before.description.get("network_consent")),
        trigger="republish",
    )
    return await starting.publish(state, access, order)


def _entry(before: Publication) -> str:
    """Where the program is described: a command without a program lies in its `processor.yaml`."""
    entry = before.entry
    return entry if entry.endswith((".py", ".yaml")) else "processor.yaml"


async def hear_tags(state: State, access: ProjectAccess) -> None:
    """Make sure that the forge tells of this project's tags."""
    async with state.db.read() as tx:
        connection = await connections.find(tx, access.project.id)
    if connection is None or not connection["hears_tags"]:
        await connect.connect(state, access)
