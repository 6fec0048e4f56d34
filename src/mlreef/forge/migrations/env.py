"""Entry point of Alembic for this chain."""

from mlreef.kit.db import migrate

migrate.run()
