"""Alembic without its configuration files: a service's chain is a package, one chain valid on both databases.

`<package>/versions/NNNN_title.py` holds the steps; `env.py` in the package calls `run()` from here.
"""

from __future__ import annotations

import importlib.resources
from typing import Any

from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from mlreef.kit.errors import Kind, PlatformError


def upgrade(connection: Connection, package: str, schema: str | None) -> None:
    """Run the missing steps of `package`'s chain; one process at a time on PostgreSQL."""
    config = Config()
    config.set_main_option("script_location", str(importlib.resources.files(package)))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if schema is not None:
        quoted = schema.replace('"', '""')
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"migrate {schema}"})
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{quoted}"'))
    try:
        command.upgrade(config, "head")
    except CommandError as exc:
        newest = ScriptDirectory.from_config(config).get_current_head()
        raise PlatformError(
            Kind.UNAVAILABLE,
            f"the database of {package} was written by a newer release (this one knows up to {newest}): {exc}. "
            "Start the newer release, or restore a backup.",
        ) from exc


def run() -> None:
    """What a service's `migrations/env.py` does: run on the connection that `upgrade` was given."""
    attributes: dict[Any, Any] = context.config.attributes
    context.configure(connection=attributes["connection"], transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()
