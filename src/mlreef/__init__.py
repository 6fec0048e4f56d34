"""MLReef: collaborative MLOps. See ARCHITECTURE.md."""

__version__ = "0.1.0"
