"""How a step's program is called; the rules are extraction's, where the command line finds them too."""

from mlreef.extraction.command_lines import INPUT_ROOT, OUTPUT_ROOT, command_line, effective, flag, in_order, outputs

__all__ = ["INPUT_ROOT", "OUTPUT_ROOT", "command_line", "effective", "flag", "in_order", "outputs"]
