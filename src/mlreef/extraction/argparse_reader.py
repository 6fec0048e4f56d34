"""argparse and its relatives: parsers, groups and subparsers, and the parameters that they are given."""

from __future__ import annotations

from typing import Any

from mlreef.extraction import options
from mlreef.extraction.calls import Call
from mlreef.extraction.model import Parameter, plain
from mlreef.extraction.session import CALLS, MAX_PARAMETERS, Described, Program, Session
from mlreef.extraction.values import UNKNOWN, Class, Ref, Thing

_PARSERS = {
    "argparse.ArgumentParser": "argparse",
    "configargparse.ArgumentParser": "configargparse",
    "configargparse.ArgParser": "configargparse",
    "configargparse.ArgParse": "configargparse",
    "jsonargparse.ArgumentParser": "jsonargparse",
    "simple_parsing.ArgumentParser": "simple-parsing",
}
MAX_CHILDREN = 100
_WHOLE = ("parse_args", "parse_intermixed_args")
_PARTLY = ("parse_known_args", "parse_known_intermixed_args", "parse_args_into_dataclasses")


class Parser(Thing):
    """An ArgumentParser."""

    passes = True

    __slots__ = (
        "defaults",
        "description",
        "framework",
        "help",
        "name",
        "origin",
        "parameters",
        "prefix_chars",
        "session",
        "subparsers",
    )

    def __init__(self, session: Session, call: Call) -> None:
        self.session = session
        self.origin = call
        self.name = self.help = ""
        self.framework = "argparse"
        self.parameters: list[Parameter] = []
        self.subparsers: list[Subparsers] = []
        self.defaults: dict[str, Any] = {}
        chars = call.keywords.get("prefix_chars")
        self.prefix_chars = chars if isinstance(chars, str) and chars else "-"
        description = call.keywords.get("description")
        self.description = description if isinstance(description, str) else ""
        for parent in _listed(call.keywords.get("parents")):
            parser = _parser_of(parent)
            if parser is not None:
                self.parameters += [one for one in parser.parameters if one not in self.parameters]
                self.subparsers += [one for one in parser.subparsers if one not in self.subparsers]
                self.defaults |= parser.defaults
                session.programs = [one for one in session.programs if one is not parser]

    def attribute(self, name: str) -> Any:
        """`parser.description`, and methods."""
        return self.description if name == "description" else super().attribute(name)

    def method(self, name: str, call: Call) -> Any:
        """What can be done with a parser."""
        if name in {"add_argument", "add", "add_arg"}:
            return self.add(call)
        if name in {"add_argument_group", "add_arg_group", "add_mutually_exclusive_group"}:
            return Group(self, exclusive=name == "add_mutually_exclusive_group", required=_required(call))
        if name == "add_subparsers":
            made = Subparsers(self, call)
            self.subparsers.append(made)
            return made
        if name == "set_defaults":
            self.set_defaults(call.keywords)
        elif name == "add_arguments":
            records(self, call)
        elif name in _WHOLE and _reads_command_line(call):
            self.session.start(self)
        elif name in _PARTLY:
            return self._partly(name, call)
        return UNKNOWN

    def _partly(self, name: str, call: Call) -> Any:
        if name == "parse_args_into_dataclasses" and self.parameters:
            self.session.start(self)
        return (UNKNOWN, UNKNOWN)

    def add(self, call: Call, *, exclusive: bool = False) -> Any:
        """`add_argument`."""
        if not call.arguments and not call.keywords and not call.open:
            return UNKNOWN
        found = options.read(options.Reading(call, self.session, self.prefix_chars))
        if found is None:
            return UNKNOWN
        if exclusive and found.flag is None:
            found.required = False
        self.include(found, call)
        return Action(found)

    def include(self, found: Parameter, call: Call) -> None:
        """Add a parameter, unless it is known already."""
        if len(self.parameters) >= MAX_PARAMETERS:
            message = f"more than {MAX_PARAMETERS} parameters"
            self.session.error(call.module, call.node, message, "publish smaller programs")
            return
        earlier = next((one for one in self.parameters if one.name == found.name), None)
        if earlier is None:
            if found.name in self.defaults:
                _set_default(found, self.defaults[found.name])
            self.parameters.append(found)
        elif earlier.position != found.position:  # else the same statement was followed twice
            self._twice(earlier, found, call)

    def _twice(self, earlier: Parameter, found: Parameter, call: Call) -> None:
        """`--x` and `--no-x` that store into one place are one parameter; anything else is an error."""
        switches = earlier.type == found.type == "boolean"
        if switches and earlier.negated_flag is None and found.flag is None:
            earlier.negated_flag = found.negated_flag
        elif switches and earlier.flag is None and found.negated_flag is None:
            earlier.flag = found.flag
            earlier.default = found.default
        elif (
            earlier.flag == found.flag
            and earlier.flag is not None
            and self.origin.keywords.get("conflict_handler") == "resolve"
        ):
            self.parameters[self.parameters.index(earlier)] = found
        else:
            line = earlier.position.line
            self.session.error(call.module, call.node, f"the name {found.name!r} is taken by that in line {line}",
                               "give this one another name, or another dest")  # fmt: skip

    def set_defaults(self, given: dict[str, Any]) -> None:
        """`set_defaults` changes what was declared before and after."""
        self.defaults |= given
        for parameter in self.parameters:
            if parameter.name in given:
                _set_default(parameter, given[parameter.name])

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        leaves = [child.describe() for group in self.subparsers for child in group.children]
        found = [one for one in leaves if one is not None]
        if not self.parameters and not found and not self.name:
            return None
        return Described(
            self.framework, self.origin.node, self.origin.module, self.name, self.help, self.description or self.help,
            list(self.parameters), found,
        )  # fmt: skip


class Group(Thing):
    """A group of a parser, which shares its parameters."""

    __slots__ = ("_exclusive", "_parser", "_required")

    def __init__(self, parser: Parser, *, exclusive: bool, required: bool) -> None:
        self._parser = parser
        self._exclusive = exclusive
        self._required = required

    def method(self, name: str, call: Call) -> Any:
        """As a parser, but that of exclusive positionals none is required."""
        if name in {"add_argument", "add", "add_arg"}:
            return self._parser.add(call, exclusive=self._exclusive)
        if name == "add_mutually_exclusive_group":
            return Group(self._parser, exclusive=True, required=_required(call))
        return self._parser.method(name, call)


class Action(Thing):
    """What `add_argument` returns."""

    __slots__ = ("_parameter",)

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = parameter

    def attribute(self, name: str) -> Any:
        """`action.dest`."""
        return self._parameter.name if name == "dest" else UNKNOWN


class Subparsers(Thing):
    """What `add_subparsers` returns."""

    __slots__ = ("_owner", "children")

    def __init__(self, owner: Parser, call: Call) -> None:
        del call
        self._owner = owner
        self.children: list[Parser] = []

    def method(self, name: str, call: Call) -> Any:
        """`add_parser`."""
        if name != "add_parser":
            return UNKNOWN
        word = call.argument(0, "name")
        made = Parser(self._owner.session, call)
        if not isinstance(word, str):
            self._owner.session.warn(call.module, call.node, "this subcommand has a computed name and is left out",
                                     "write it as a constant text")  # fmt: skip
            return made
        given = call.keywords.get("help")
        made.name, made.help = word, given if isinstance(given, str) and given != options.SUPPRESS else ""
        same = next((one for one in self.children if one.name == word), None)
        if same is not None:
            return same
        if len(self.children) >= MAX_CHILDREN:
            self._owner.session.error(call.module, call.node, f"more than {MAX_CHILDREN} subcommands",
                                      "publish smaller programs")  # fmt: skip
            return made
        self.children.append(made)
        return made


def records(parser: Parser, call: Call) -> None:
    """simple-parsing: `parser.add_arguments(Options, dest="options")`."""
    from mlreef.extraction import records_reader

    of = call.argument(0, "dataclass")
    if isinstance(of, Class):
        prefix = call.keywords.get("prefix")
        style = records_reader.SIMPLE_PARSING
        for found in records_reader.parameters(parser.session, of, style, prefix if isinstance(prefix, str) else ""):
            parser.include(found, call)


def _make(framework: str) -> Any:
    def handler(session: Session, call: Call) -> Parser:
        parser = Parser(session, call)
        parser.framework = framework
        session.add(parser)
        return parser

    return handler


def _make_hf(session: Session, call: Call) -> Any:
    from mlreef.extraction import records_reader

    parser = Parser(session, Call(call.node, call.module))
    parser.framework = "transformers"
    session.add(parser)
    given = call.argument(0, "dataclass_types", [])
    for one in _listed(given) if not isinstance(given, (Class, Ref)) else [given]:
        for found in records_reader.huggingface(session, one, call):
            parser.include(found, call)
    return parser


def _set_default(parameter: Parameter, value: Any) -> None:
    try:
        parameter.default = plain(value)
    except ValueError:
        return
    parameter.required = False


def _required(call: Call) -> bool:
    return call.keywords.get("required") is True


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, (list, tuple)) else []


def _parser_of(given: Any) -> Parser | None:
    base = getattr(given, "base", given)
    return base if isinstance(base, Parser) else None


def _reads_command_line(call: Call) -> bool:
    """`parse_args([])` and the like read something else."""
    given = call.argument(0, "args")
    return given is None or given is UNKNOWN or (isinstance(given, Ref) and given.name.startswith("sys."))


def program_of(value: Any) -> Program | None:
    """The parser behind a value."""
    return _parser_of(value)


for _name, _framework in _PARSERS.items():
    CALLS[_name] = _make(_framework)
CALLS["transformers.HfArgumentParser"] = _make_hf
CALLS["argparse.FileType"] = lambda _session, _call: Ref("argparse.FileType")
CALLS["argparse.Namespace"] = lambda _session, _call: UNKNOWN
