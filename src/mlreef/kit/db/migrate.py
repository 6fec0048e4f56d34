"""Alembic without its configuration files: a service's chain is a package, one chain valid on both databases.

`<package>/versions/NNNN_title.py` holds the steps; `env.py` in the package calls `run()` from here. A database that is
up to date is recognised without Alembic, whose import would cost every start a tenth of a second.
"""

from __future__ import annotations

import importlib.resources
from typing import Any

from sqlalchemy import Connection, inspect, text

from mlreef.kit.errors import Kind, PlatformError


def upgrade(connection: Connection, package: str, schema: str | None) -> None:
    """Run the missing steps of `package`'s chain; one process at a time on PostgreSQL."""
    if schema is not None:
        quoted = schema.replace('"', '""')
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"migrate {schema}"})
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{quoted}"'))
    if _revision(connection, schema) != _newest(package):
        _run_missing(connection, package)


def _revision(connection: Connection, schema: str | None) -> str | None:
    if not inspect(connection).has_table("alembic_version", schema=schema):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _newest(package: str) -> str:
    """The revision of a chain's last step: the number that its file's name begins with."""
    steps = (importlib.resources.files(package) / "versions").iterdir()
    return max(step.name[:4] for step in steps if step.name.endswith(".py") and step.name[:4].isdigit())


def _run_missing(connection: Connection, package: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(importlib.resources.files(package)))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as exc:
        raise PlatformError(
            Kind.UNAVAILABLE,
            f"the database of {package} was written by a newer release (this one knows up to {_newest(package)}): "
            f"{exc}. Start the newer release, or restore a backup.",
        ) from exc


def run() -> None:
    """What a service's `migrations/env.py` does: run on the connection that `upgrade` was given."""
    from alembic import context

    attributes: dict[Any, Any] = context.config.attributes
    context.configure(connection=attributes["connection"], transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()
