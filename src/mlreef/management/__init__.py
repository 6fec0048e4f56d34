"""The management service: processors and their publication, data pipelines and runs, experiments, usage.

It keeps no copy of users or rights: it asks the forge with the caller's own credential.
"""

from mlreef.management.app import create_app
from mlreef.management.settings import Settings

__all__ = ["Settings", "create_app"]
