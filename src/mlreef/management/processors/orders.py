"""What somebody wants to publish, brought together with what the program's files say, checked as a whole.

An order may repeat any key of `processor.yaml`; what it says wins. Nothing is recorded before everything is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlreef.extraction import manifest as manifests
from mlreef.extraction import study as studies
from mlreef.extraction.manifest import Manifest
from mlreef.extraction.manifest.shapes import Problem
from mlreef.extraction.model import Fault
from mlreef.kit.errors import Detail, Location, forbidden, invalid
from mlreef.management.processors import numbers
from mlreef.management.processors.inspection import Inspection
from mlreef.management.processors.records import Environment

KEYS = (
    *(
        "name",
        "kind",
        "title",
        "description",
        "environment",
        "subcommand",
        "command",
        "requirements",
        "licence",
        "tags",
    ),
    *("model_type", "ml_category", "input_types", "output_types", "resources", "network", "metrics"),
)
_OWN = "request"


@dataclass(frozen=True, slots=True)
class Order:
    """What to publish: a program or a `processor.yaml` at a ref; None means what the files say."""

    ref: str
    entry: str = manifests.FILE
    version: str | None = None
    name: str | None = None
    kind: str | None = None
    title: str | None = None
    description: str | None = None
    environment: str | None = None
    subcommand: str | None = None
    command: Sequence[str] | None = None
    requirements: Sequence[str] | str | None = None
    licence: str | None = None
    tags: Sequence[str] | None = None
    model_type: str | None = None
    ml_category: str | None = None
    input_types: Sequence[str] | None = None
    output_types: Sequence[str] | None = None
    resources: Mapping[str, Any] | None = None
    network: str | None = None
    metrics: Mapping[str, Any] | None = None
    changelog: str | None = None
    """The text of this version's changelog, in place of the changelog file's section."""
    consent_network: bool = False
    """Whether a maintainer agrees that the processor may reach any host."""
    trigger: str = "user"
    """What started it: user, tag, republish."""

    def changes(self) -> dict[str, Any]:
        """The keys of `processor.yaml` that the order says itself."""
        given = {key: getattr(self, key) for key in KEYS}
        # An empty text is a form's field that was left alone.
        return {key: value for key, value in given.items() if value is not None and value != ""}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is published: an order and its files, as one complete document."""

    inspection: Inspection
    document: dict[str, Any]
    """A complete `processor.yaml` in its normal form: stored with the version."""
    command: list[str]
    requirements: list[str] | str | None
    faults: list[Problem]

    @property
    def environment(self) -> str:
        """The environment's name or reference."""
        return str(self.document["environment"])


def subject(order: Order, inspection: Inspection) -> Subject:
    """Bring an order and the files together."""
    study, changes = inspection.study, order.changes()
    made = manifests.merged(study.manifest, changes)
    kept = {key: value for key, value in study.suggested.items() if value not in (None, [], "")}
    document = {**kept, **made.values}
    command = document.get("command") or study.command
    if "command" in document:
        document.pop("entry", None)
    else:
        document["entry"] = study.entry
    requirements = made.values["requirements"] if "requirements" in changes else study.requirements
    if isinstance(document.get("requirements"), list):
        requirements = document["requirements"]
    return Subject(inspection, document, list(command), requirements, _own_faults(made))


def _own_faults(made: Manifest) -> list[Problem]:
    return [one for one in made.problems if one.fault.position.file == _OWN]


def check(
    order: Order,
    found: Subject,
    environment: Environment | None,
    machines: Sequence[str],
    *,
    maintainer: bool,
) -> None:
    """Raise one error with every fault; nothing has been recorded then."""
    details = [detail(one) for one in _errors(order, found)]
    details += [Detail(one.path, one.fault.message, None, one.fault.remedy) for one in found.faults]
    if environment is None:
        message = f"there is no environment {found.environment[:100]!r}"
        details.append(Detail("environment", message, None, "choose one of GET /api/v1/environments"))
    elif environment.image is None:
        message = f"{environment.name} has no image yet: an administrator has to register one"
        details.append(Detail("environment", message))
    if order.version is not None and numbers.find(order.version) is None:
        details.append(Detail("version", "write three numbers, such as 1.2.0"))
    machine = (found.document.get("resources") or {}).get("machine")
    if machine is not None and machine not in machines:
        message = f"there is no machine class {machine!r}; there are: {', '.join(machines)}"
        details.append(Detail("resources.machine", message))
    if details:
        raise invalid("this cannot be published", details=details)
    if found.document.get("network") == "open":
        _check_consent(order, maintainer=maintainer)


def _errors(order: Order, found: Subject) -> list[Fault]:
    """Faults of the files, without those that the order itself puts right."""
    errors = found.inspection.study.errors
    changed = set(order.changes())
    settled = {
        id(one.fault) for one in found.inspection.manifest.problems if one.path.split(".")[0].split("[")[0] in changed
    }
    return [one for one in errors if id(one) not in settled]


def _check_consent(order: Order, *, maintainer: bool) -> None:
    if not maintainer:
        raise forbidden("a processor with network: open can be published by a maintainer of the project only")
    if not order.consent_network:
        message = (
            "this processor asks for network: open, so its runs may send data anywhere; "
            "publish with consent_network: true if that is meant"
        )
        raise invalid(message, details=[Detail("consent_network", "is needed for network: open")])


def detail(fault: Fault) -> Detail:
    """A fault of the source as part of an error."""
    place = fault.position
    return Detail("entry", fault.message, Location(place.file, place.line, place.column), fault.remedy)


def python(program: str) -> list[str]:
    """The command of a Python program."""
    return studies.python(program)
