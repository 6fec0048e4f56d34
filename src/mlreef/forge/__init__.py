"""The forge: users, git repositories, CI and tokens, over GitLab's wire protocol."""

from mlreef.forge.app import create_app
from mlreef.forge.settings import Settings
from mlreef.forge.setup import Bootstrap, initialise

__all__ = ["Bootstrap", "Settings", "create_app", "initialise"]
