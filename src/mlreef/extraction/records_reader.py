"""Records as command lines: dataclasses of transformers, simple-parsing, tyro and pyrallis, pydantic-settings, Tap."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlreef.extraction import docstrings, hints
from mlreef.extraction.calls import Call
from mlreef.extraction.model import Parameter
from mlreef.extraction.session import CALLS, CLASSES, DECORATORS, MAX_PARAMETERS, Described, Session
from mlreef.extraction.slots import MISSING, Slot, Style, parameter
from mlreef.extraction.values import UNKNOWN, Class, Function, Made, Ref, Thing, known

HUGGINGFACE = Style("transformers")
SIMPLE_PARSING = Style("simple-parsing", nested=".")
TYRO = Style("tyro", kebab=True, boolean="pair", enum_names=True, nested=".")
PYRALLIS = Style("pyrallis", lists="text", nested=".", enum_names=True)
TAP = Style("tap", boolean="toggle")
PYDANTIC = Style("pydantic-settings", lists="repeat", nested=".")

_FIELDS = {"dataclasses.field", "simple_parsing.field", "simple_parsing.helpers.field", "attr.ib", "attrs.field"}
_FIELDS |= {"attr.field", "simple_parsing.mutable_field"}
_COMMENT = re.compile(r"#\s*(.+)$")


def slots(session: Session, of: Class) -> Iterator[Slot]:
    """The fields of a record, inherited ones first."""
    found: dict[str, Slot] = {}
    for one in reversed(list(of.lineage())):
        texts = docstrings.parameters(ast.get_docstring(one.node) or "")
        for index, statement in enumerate(one.node.body):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                following = one.node.body[index + 1] if index + 1 < len(one.node.body) else None
                slot = _slot(session, one, statement, statement.target.id, following)
                if slot is not None:
                    slot.help = slot.help or texts.get(slot.name, "")
                    found[slot.name] = slot
    yield from found.values()


def _slot(session: Session, of: Class, statement: ast.AnnAssign, name: str, following: ast.stmt | None) -> Slot | None:
    module = of.body.module
    if name.startswith("_") or name == "model_config" or "ClassVar" in _words(statement.annotation):
        return None
    hint = hints.read(session, statement.annotation, of.body)
    value = MISSING if statement.value is None else of.body.variables.get(name, UNKNOWN)
    help_text = ""
    for extra in hint.extras:
        if isinstance(extra, Made):
            help_text = _text(extra, "description") or _text(extra, "help") or help_text
    if isinstance(value, Made):
        made = value
        hints.limit(hint, made)
        metadata = made.call.keywords.get("metadata")
        words = metadata.get("help") if isinstance(metadata, dict) else None
        help_text = _text(made, "description") or _text(made, "help") or (words if isinstance(words, str) else "")
        if made.name.endswith("choice") and made.call.arguments:
            options = (
                made.call.arguments if not isinstance(made.call.arguments[0], (list, tuple)) else made.call.arguments[0]
            )
            hint.type, hint.choices = "choice", [one for one in options if known(one)]
        value = _field_default(session, made)
    slot = Slot(name, hint, value, help_text or _documented(of, statement, following), statement, module)
    if isinstance(value, Class):
        slot.default = MISSING
    return slot


def _words(node: ast.expr) -> set[str]:
    outer = node.value if isinstance(node, ast.Subscript) else node
    return {outer.attr if isinstance(outer, ast.Attribute) else getattr(outer, "id", "")}


def _text(made: Made, key: str) -> str:
    given = made.call.keywords.get(key)
    return given if isinstance(given, str) else ""


def _field_default(session: Session, made: Made) -> Any:
    given = made.call.keywords
    if "default" in given or "factory" in given or "default_factory" in given:
        if "default" in given:
            return MISSING if given["default"] is ... else given["default"]
        factory = given.get("default_factory", given.get("factory"))
        if isinstance(factory, Function):
            return session.interpreter.invoke(factory, [], {})
        empty: dict[str, Any] = {"list": [], "dict": {}, "tuple": [], "set": [], "str": ""}
        return empty.get(factory.name, UNKNOWN) if isinstance(factory, Ref) else UNKNOWN
    named = made.name.endswith(("Field", "simple_parsing.field", "simple_parsing.helpers.field"))
    if named and made.call.arguments:
        return MISSING if made.call.arguments[0] is ... else made.call.arguments[0]
    return MISSING


def _documented(of: Class, statement: ast.AnnAssign, following: ast.stmt | None) -> str:
    """A text below a field, or a comment behind it or above it."""
    if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
        return following.value.value if isinstance(following.value.value, str) else ""
    lines = of.body.module.lines
    line = lines[statement.end_lineno - 1][statement.end_col_offset or 0 :] if statement.end_lineno else ""
    behind = _COMMENT.search(line)
    if behind is not None:
        return behind[1].strip()
    above = lines[statement.lineno - 2].strip() if statement.lineno >= 2 else ""
    return above.lstrip("# ").strip() if above.startswith("#") else ""


def parameters(session: Session, of: Class, style: Style, prefix: str = "", depth: int = 0) -> list[Parameter]:
    """The parameters that a record becomes; records in it too, where the library does that."""
    found: list[Parameter] = []
    for slot in slots(session, of):
        inner = slot.hint.of
        if inner is not None and style.nested and not slot.hint.many and depth < 6 and _is_record(inner):
            found += parameters(session, inner, style, f"{prefix}{slot.name}{style.nested}", depth + 1)
            continue
        one = parameter(session, slot, style, prefix)
        if one is not None and len(found) < MAX_PARAMETERS:
            found.append(one)
    return found


def _is_record(of: Class) -> bool:
    bases = of.base_names()
    return "dataclass" in of.marks or any(name.rpartition(".")[2] in {"BaseModel", "BaseSettings"} for name in bases)


@dataclass(eq=False, slots=True)
class RecordProgram:
    """A command line made of a record."""

    session: Session
    of: Class
    style: Style
    call: Call

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        return Described(
            self.style.framework, self.call.node, self.call.module,
            description=docstrings.summary(ast.get_docstring(self.of.node) or ""),
            parameters=parameters(self.session, self.of, self.style),
        )  # fmt: skip


# -- transformers

_TRAINING = {
    "output_dir": ("string", None, "Where checkpoints and predictions are written.", True),
    "overwrite_output_dir": ("boolean", False, "Overwrite the content of the output directory.", False),
    "do_train": ("boolean", False, "Whether to run training.", False),
    "do_eval": ("boolean", False, "Whether to run evaluation.", False),
    "do_predict": ("boolean", False, "Whether to run predictions on the test set.", False),
    "num_train_epochs": ("float", 3.0, "Number of training epochs.", False),
    "max_steps": ("integer", -1, "Number of training steps; replaces the epochs when positive.", False),
    "per_device_train_batch_size": ("integer", 8, "Batch size per device for training.", False),
    "per_device_eval_batch_size": ("integer", 8, "Batch size per device for evaluation.", False),
    "gradient_accumulation_steps": ("integer", 1, "Steps to accumulate before an update.", False),
    "learning_rate": ("float", 5e-5, "Initial learning rate.", False),
    "weight_decay": ("float", 0.0, "Weight decay.", False),
    "warmup_ratio": ("float", 0.0, "Part of the steps with linear warm-up.", False),
    "warmup_steps": ("integer", 0, "Steps of linear warm-up.", False),
    "logging_steps": ("float", 500.0, "Steps between two logs.", False),
    "save_steps": ("float", 500.0, "Steps between two checkpoints.", False),
    "seed": ("integer", 42, "Random seed.", False),
}


def huggingface(session: Session, given: Any, call: Call) -> list[Parameter]:
    """Parameters of one class given to HfArgumentParser; the library's own by their most used options."""
    if isinstance(given, Class):
        found = parameters(session, given, HUGGINGFACE)
        return found + (_training(session, call) if _trains(given.base_names()) else [])
    if isinstance(given, Ref) and _trains({given.name}):
        return _training(session, call)
    session.warn(call.module, call.node, "one of the classes given to HfArgumentParser is not known",
                 "define it in this project to have its options offered")  # fmt: skip
    return []


def _trains(names: set[str]) -> bool:
    return any(name.rpartition(".")[2].endswith("TrainingArguments") for name in names)


def _training(session: Session, call: Call) -> list[Parameter]:
    session.warn(call.module, call.node, "of the options of TrainingArguments only the most used are offered",
                 "declare others in processor.yaml")  # fmt: skip
    place = session.position(call.module, call.node)
    found = []
    for name, (kind, default, text, required) in _TRAINING.items():
        one = Parameter(
            name, f"--{name}", kind, required, default, None, None, None, multiple=False, nargs=None, help=text,
            unit=None, role="output" if name == "output_dir" else "value", position=place,
        )  # fmt: skip
        one.nargs = 1 if kind == "boolean" else None
        found.append(one)
    return found


# -- pydantic-settings and Tap


def _settings(session: Session, of: Class, call: Call) -> Any:
    options: dict[str, Any] = {}
    for one in reversed(list(of.lineage())):
        config = one.body.variables.get("model_config")
        options |= config.call.keywords if isinstance(config, Made) else config if isinstance(config, dict) else {}
        scope = one.body.outer or one.body
        options |= {k.arg: session.interpreter.evaluate(k.value, scope) for k in one.node.keywords if k.arg}
    options |= {key.removeprefix("_"): value for key, value in call.keywords.items() if key.startswith("_cli")}
    if options.get("cli_parse_args") is True:
        session.start(SettingsProgram(session, of, _settings_style(options), call))
    return None


def _settings_style(options: dict[str, Any]) -> Style:
    kebab = options.get("cli_kebab_case") in {True, "all"}
    return Style("pydantic-settings", kebab=kebab, lists="repeat", nested=".",
                 boolean="pair" if options.get("cli_implicit_flags") is True else "word")  # fmt: skip


class SettingsProgram(RecordProgram):
    """pydantic-settings: an alias is the name of the option."""

    __slots__ = ()

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        found = super().describe()
        aliases = {slot.name: _alias(self.of, slot) for slot in slots(self.session, self.of)}
        for one in found.parameters if found is not None else ():
            alias = aliases.get(one.name)
            if alias is not None and one.flag is not None:
                one.flag = f"--{alias}"
        return found


def _alias(of: Class, slot: Slot) -> str | None:
    made = of.find(slot.name)
    for one in (made, *slot.hint.extras):
        if isinstance(one, Made):
            for key in ("validation_alias", "alias"):
                if isinstance(one.call.keywords.get(key), str):
                    return str(one.call.keywords[key])
    return None


class _TapParser(Thing):
    __slots__ = ("_call", "_of", "_session")

    def __init__(self, session: Session, of: Class, call: Call) -> None:
        self._session, self._of, self._call = session, of, call

    def method(self, name: str, call: Call) -> Any:
        """`Arguments().parse_args()`."""
        if name == "parse_args":
            self._session.start(RecordProgram(self._session, self._of, TAP, self._call))
        return UNKNOWN


def _parse(style: Style, names: tuple[str, ...]) -> Any:
    def handler(session: Session, call: Call) -> Any:
        of = next((call.keywords[name] for name in names if name in call.keywords), call.argument(0, names[0]))
        if isinstance(of, Class):
            session.start(RecordProgram(session, of, style, call))
        return UNKNOWN

    return handler


def _mark(_session: Session, target: Any, _call: Call) -> Any:
    if isinstance(target, Class):
        target.marks.append("dataclass")
    return target


class _Marker(Thing):
    __slots__ = ()

    def decorate(self, target: Any, call: Call | None) -> Any:
        """`@dataclass(frozen=True)`."""
        if isinstance(target, Class):
            target.marks.append("dataclass")
        return target


def _cli_app(session: Session, call: Call) -> Any:
    of = call.argument(0, "model_cls")
    if isinstance(of, Class):
        options: dict[str, Any] = {"cli_implicit_flags": True, "cli_kebab_case": True}
        config = of.find("model_config")
        options |= config.call.keywords if isinstance(config, Made) else {}
        session.start(SettingsProgram(session, of, _settings_style(options), call))
    return UNKNOWN


for _name in ("dataclasses.dataclass", "attr.s", "attrs.define", "attr.define", "attrs.frozen", "attr.attrs",
              "pydantic.dataclasses.dataclass"):  # fmt: skip
    DECORATORS[_name] = _mark
    CALLS[_name] = lambda _session, _call: _Marker()
for _name in ("pydantic_settings.BaseSettings", "pydantic.BaseSettings"):
    CLASSES[_name] = _settings
CLASSES["tap.Tap"] = _TapParser
CALLS["pydantic_settings.CliApp.run"] = _cli_app
CALLS["simple_parsing.parse"] = _parse(SIMPLE_PARSING, ("config_class",))
CALLS["pyrallis.parse"] = CALLS["draccus.parse"] = _parse(PYRALLIS, ("config_class",))
