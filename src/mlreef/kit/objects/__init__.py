"""Content-addressed bytes: one interface over a local directory, S3-compatible storage and memory.

An object is named by the SHA-256 of its bytes, so that storing it twice stores it once. Holding a digest grants
nothing: every look-up of a user goes through the project that the object belongs to, in the service above.
"""

from mlreef.kit.objects.base import DigestMismatch, ObjectStore, SizeMismatch, Stored, TooLarge
from mlreef.kit.objects.local import LocalObjects
from mlreef.kit.objects.memory import MemoryObjects
from mlreef.kit.objects.opening import from_url
from mlreef.kit.objects.ownership import claim, mark_of, others

__all__ = [
    "DigestMismatch",
    "LocalObjects",
    "MemoryObjects",
    "ObjectStore",
    "SizeMismatch",
    "Stored",
    "TooLarge",
    "claim",
    "from_url",
    "mark_of",
    "others",
]
