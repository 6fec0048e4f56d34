"""One way to a database, on SQLite and PostgreSQL alike: see `engine`."""

from mlreef.kit.db.engine import Database, Tx
from mlreef.kit.db.sealed import Seal, SealedText
from mlreef.kit.db.types import BigId, Json, UtcDateTime

__all__ = ["BigId", "Database", "Json", "Seal", "SealedText", "Tx", "UtcDateTime"]
