"""Definitions on behalf of a caller: parsed from JSON or YAML, resolved with the caller's own rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlreef.kit.db import Database
from mlreef.kit.errors import Detail, invalid
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Access, Caller, ProjectAccess
from mlreef.management.definitions import model, resolution, store, values, yaml_form
from mlreef.management.definitions.lookups import Limits, ProcessorVersion
from mlreef.management.definitions.model import Definition
from mlreef.management.definitions.resolution import Plan
from mlreef.management.runs.forge_side import ForgeRepository
from mlreef.management.settings import Settings


class Catalogue:
    """Published processors that a caller may see; see `lookups.Catalogue`."""

    def __init__(self, db: Database, access: Access, caller: Caller) -> None:
        self._db = db
        self._access = access
        self._caller = caller

    async def find_version(self, slug: str, version: str) -> ProcessorVersion | None:
        """The version, when its project is visible to the caller."""
        path, _slash, name = slug.rpartition("/")
        async with self._db.read() as tx:
            row = await store.find_version(tx, path, name, version)
        if row is None or not await self._access.allows(self._caller, row["project_id"], Action.READ_PROJECT):
            return None
        return _version(row)


def _version(row: Mapping[str, Any]) -> ProcessorVersion:
    return ProcessorVersion(
        id=row["id"],
        slug=f"{row['project_path']}/{row['name']}",
        version=row["version"],
        kind=row["kind"],
        image=row["image"] if "@" in row["image"] else f"{row['image']}@{row['digest']}",
        command=tuple(row["command"]),
        parameters=tuple(values.Parameter.from_json(one) for one in row["parameters"]),
        commit=row["commit"],
        project_id=row["project_id"],
    )


def limits(settings: Settings) -> Limits:
    """What the operator allows."""
    names = tuple(one.name for one in settings.machine_classes)
    return Limits(machines=names, default_machine=names[0])


def parse(document: Any) -> tuple[Definition | None, list[Detail]]:
    """A definition from an object, or from text in YAML or JSON."""
    return model.parse(yaml_form.load(document) if isinstance(document, str) else document)


def required(definition: Definition | None, faults: list[Detail]) -> Definition:
    """The definition; raises one error with every fault."""
    if definition is None:
        raise invalid(_summary(faults), details=faults)
    return definition


async def resolve(
    definition: Definition, access: ProjectAccess, *, db: Database, rights: Access, settings: Settings
) -> tuple[Plan | None, list[Detail]]:
    """The plan of a definition in a project, or every fault."""
    return await resolution.resolve(
        definition,
        project_id=access.project.id,
        catalogue=Catalogue(db, rights, access.caller),
        repository=ForgeRepository(access.forge, access.project.id),
        limits=limits(settings),
    )


def planned(plan: Plan | None, faults: list[Detail]) -> Plan:
    """The plan; raises one error with every fault."""
    if plan is None:
        raise invalid(_summary(faults), details=faults)
    return plan


def _summary(faults: list[Detail]) -> str:
    first = faults[0]
    rest = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"the definition cannot be run: {first.field} {first.message}{rest}"
