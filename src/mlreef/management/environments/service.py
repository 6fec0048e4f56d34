"""Admitting an image as an environment: runners refuse to build on what is not signed, so it is signed here.

Only images of the own registry can be: signatures lie beside the image. `mlreef environment add` copies others there.
"""

from __future__ import annotations

from mlreef.kit.errors import Kind, PlatformError, invalid
from mlreef.management.access.service import Caller
from mlreef.management.attestations import service as attestations
from mlreef.management.connect import service as connect
from mlreef.management.environments.schemas import Register
from mlreef.management.processors import environments
from mlreef.management.processors.records import Environment
from mlreef.management.state import State


async def register(state: State, caller: Caller, body: Register, by: str) -> Environment:
    """Make an image selectable under a name, or give an environment another image."""
    fields = body.model_dump(exclude={"attestations"})
    environments.check(body.name, body.image)
    signed = await _admit(state, caller, body)
    fields["source"] = {**body.source, **({"attestations": signed} if signed else {})}
    async with state.db.write() as tx:
        return await environments.register(tx, **fields, by=by, now=state.clock.now())


async def _admit(state: State, caller: Caller, body: Register) -> dict[str, str]:
    reference, _, digest = body.image.partition("@")
    host, _, repository = reference.partition("/")
    if host != state.settings.image_host:
        return {}
    await _join(state, caller, repository)
    image = attestations.Image(
        reference=reference,
        digest=digest,
        tag=None,
        attestations=body.attestations,
        demanded=bool(body.attestations),
        notes={"mlreef.environment": body.name},
    )
    try:
        return await attestations.vouch(state, image)
    except PlatformError as exc:
        if exc.kind is Kind.UNAVAILABLE:
            raise
        raise invalid(f"the image cannot be signed: {exc.message}") from exc


async def _join(state: State, caller: Caller, repository: str) -> None:
    """Give the service account the right to put signatures beside the image, with the administrator's own right."""
    parts = repository.split("/")
    for length in range(len(parts), 1, -1):
        try:
            project = await caller.forge.get_project("/".join(parts[:length]))
        except PlatformError as exc:
            if exc.kind is not Kind.NOT_FOUND:
                raise
            continue
        await connect.admit_service_account(state, caller.forge, project.id)
        return
