"""Definitions on behalf of a caller: parsed from JSON or YAML, resolved with the caller's own rights."""

from __future__ import annotations

from typing import Any

from mlreef.kit.db import Database
from mlreef.kit.errors import Detail, invalid
from mlreef.management.access.service import Access, ProjectAccess
from mlreef.management.definitions import model, resolution, yaml_form
from mlreef.management.definitions.lookups import Limits
from mlreef.management.definitions.model import Definition
from mlreef.management.definitions.resolution import Plan
from mlreef.management.processors.catalogue import VisibleCatalogue
from mlreef.management.runs.forge_side import ForgeRepository
from mlreef.management.settings import Settings


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
    definition: Definition,
    access: ProjectAccess,
    *,
    db: Database,
    rights: Access,
    settings: Settings,
    kept: frozenset[str] = frozenset(),
) -> tuple[Plan | None, list[Detail]]:
    """The plan of a definition in a project, or every fault; versions in `kept` may be unpublished."""
    return await resolution.resolve(
        definition,
        project_id=access.project.id,
        catalogue=VisibleCatalogue(db, rights, access.caller, kept),
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
