"""The registry: OCI distribution for the images of processors.

It keeps blobs and manifests, and lets in whoever brings a token of the forge (`/jwt/auth`). GitLab's registry or the
stock distribution registry can take its place.
"""

from mlreef.registry.app import create_app
from mlreef.registry.settings import Settings

__all__ = ["Settings", "create_app"]
