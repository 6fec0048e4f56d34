"""The runner: claims CI jobs at the forge over GitLab's runner API and runs them through an executor."""

from mlreef.runner.agent import run
from mlreef.runner.settings import Settings

__all__ = ["Settings", "run"]
