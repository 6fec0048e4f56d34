"""`processor.yaml`: what a program's source cannot say about a processor, and what shall be said otherwise.

`parse` reads a file into its normal form with every fault in its place; `apply` brings extracted parameters in line
with it; `schema` is its JSON schema.
"""

from mlreef.extraction.manifest.applying import apply
from mlreef.extraction.manifest.document import FILE, Manifest, from_document, merged, parse, schema
from mlreef.extraction.manifest.fields import GOALS, NAME, NETWORKS
from mlreef.extraction.manifest.nodes import MAX_BYTES
from mlreef.extraction.manifest.resources import Wanted, wanted
from mlreef.extraction.manifest.units import Condition, condition

__all__ = [
    "FILE",
    "GOALS",
    "MAX_BYTES",
    "NAME",
    "NETWORKS",
    "Condition",
    "Manifest",
    "Wanted",
    "apply",
    "condition",
    "from_document",
    "merged",
    "parse",
    "schema",
    "wanted",
]
