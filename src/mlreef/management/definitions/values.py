"""Parameter values as definitions check them; the rules are extraction's, where the command line finds them too."""

from mlreef.extraction.arguments import (
    MAX_TEXT,
    Argument,
    BadValue,
    Parameter,
    arguments,
    as_text,
    check,
)

__all__ = ["MAX_TEXT", "Argument", "BadValue", "Parameter", "arguments", "as_text", "check"]
