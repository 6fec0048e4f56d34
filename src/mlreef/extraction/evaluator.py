"""Expressions: the constant or stand-in that each means, computed within bounds."""

from __future__ import annotations

import ast
import operator
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from mlreef.extraction import constants, paths
from mlreef.extraction.calls import Call
from mlreef.extraction.values import (
    UNKNOWN,
    Bound,
    Class,
    Function,
    Instance,
    Module,
    Ref,
    Scope,
    Super,
    Thing,
    TypeExpression,
    known,
)

MAX_STEPS = 120_000
MAX_SECONDS = 0.6
"""Of this thread's time; steps differ in what they cost."""
MAX_NESTING = 160
MAX_ITEMS = 500

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: lambda left, right: left is right,
    ast.IsNot: lambda left, right: left is not right,
}


class Exhausted(Exception):
    """The program does more than can be followed."""


class Evaluator:
    """Computes expressions; how functions are called and variables are set is the interpreter's part."""

    def __init__(self) -> None:
        self._steps = self._next_look = 0
        self._depth = 0
        self._start = time.thread_time()
        self._until = self._start + MAX_SECONDS

    def apply(self, function: Any, call: Call, scope: Scope) -> Any:
        """What calling something returns."""
        raise AssertionError

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Set a variable, an attribute or an item."""
        raise AssertionError

    def member(self, owner: Any, name: str) -> Any:
        """An attribute of an object of the program."""
        raise AssertionError

    def resolve(self, name: str, importer: Module) -> Any:
        """What an imported name is, if it comes from the program itself; else a reference."""
        raise AssertionError

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """The constant or stand-in that an expression means."""
        if type(node) is ast.Constant:
            return node.value
        self.spend(1)
        self._depth += 1
        try:
            if self._depth > MAX_NESTING:
                raise Exhausted
            value = self._expression(node, scope)
            if isinstance(value, (str, list, tuple, dict)) and len(value) > 50:
                self.spend(len(value) // 25)
            return value
        finally:
            self._depth -= 1

    def spend(self, steps: int) -> None:
        """Account for work; raises Exhausted when it becomes too much."""
        self._steps += steps
        if self._steps > self._next_look:
            self._next_look = self._steps + 64
            if self._steps > MAX_STEPS or time.thread_time() > self._until:
                raise Exhausted

    def recover(self) -> None:
        """Go on with something else after a part of the program was too much."""
        self._steps = self._next_look = MAX_STEPS // 2
        self._depth = 0
        self._until = min(self._start + 2 * MAX_SECONDS, time.thread_time() + MAX_SECONDS / 4)

    def _expression(self, node: ast.expr, scope: Scope) -> Any:
        handler = self._handlers.get(type(node))
        return handler(self, node, scope) if handler is not None else UNKNOWN

    # -- names

    def _name(self, node: ast.Name, scope: Scope) -> Any:
        found, value = scope.find(node.id)
        if found:
            return self.resolve(value.name, scope.module) if isinstance(value, Ref) else value
        return Ref(node.id) if node.id in paths.BUILTINS else UNKNOWN

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        owner = self.evaluate(node.value, scope)
        if isinstance(owner, Ref):
            return self.resolve(f"{owner.name}.{node.attr}", scope.module)
        if isinstance(owner, Thing):
            return owner.attribute(node.attr)
        if isinstance(owner, Module):
            found, value = owner.scope.find(node.attr)
            return value if found else self.resolve(f"{owner.name}.{node.attr}", scope.module)
        if isinstance(owner, (Instance, Class, Super)):
            return self.member(owner, node.attr)
        if isinstance(owner, str) and node.attr in constants.PATH_ATTRIBUTES:
            return constants.PATH_ATTRIBUTES[node.attr](owner)
        if isinstance(owner, Function):
            return owner.docstring if node.attr == "__doc__" else owner.name if node.attr == "__name__" else UNKNOWN
        return UNKNOWN if owner is UNKNOWN else Bound(owner, node.attr)

    # -- containers

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Any:
        found: list[Any] = []
        for element in node.elts:
            value = self.evaluate(element, scope)
            if isinstance(element, ast.Starred):
                listed = listing(value)
                if listed is None or len(listed) > MAX_ITEMS:
                    return UNKNOWN
                found += listed
            else:
                found.append(value)
        if isinstance(node, ast.Set):
            return set(found) if all(isinstance(one, (str, int, float)) for one in found) else UNKNOWN
        return tuple(found) if isinstance(node, ast.Tuple) else found

    def _dictionary(self, node: ast.Dict, scope: Scope) -> Any:
        found: dict[Any, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.evaluate(value_node, scope)
            if key_node is None:
                if not isinstance(value, dict):
                    return UNKNOWN
                found.update(value)
                continue
            key = self.evaluate(key_node, scope)
            if not _hashable(key):
                return UNKNOWN
            found[key] = value
        return found

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Any:
        found: list[Any] = []
        inner = Scope(scope.module, scope)
        for complete in self._rounds(node.generators, inner):
            if not complete or len(found) >= MAX_ITEMS:
                return UNKNOWN
            found.append(self.evaluate(node.elt, inner))
        return found

    def _dict_comprehension(self, node: ast.DictComp, scope: Scope) -> Any:
        found: dict[Any, Any] = {}
        inner = Scope(scope.module, scope)
        for complete in self._rounds(node.generators, inner):
            key = self.evaluate(node.key, inner) if complete else UNKNOWN
            if not _hashable(key) or len(found) >= MAX_ITEMS:
                return UNKNOWN
            found[key] = self.evaluate(node.value, inner)
        return found

    def _rounds(self, generators: Sequence[ast.comprehension], inner: Scope) -> Iterator[bool]:
        """Every round of the loops, with its variables set; False where it cannot be known."""
        first, rest = generators[0], generators[1:]
        items = listing(self.evaluate(first.iter, inner))
        if items is None or len(items) > MAX_ITEMS:
            yield False
            return
        for item in items:
            self.assign(first.target, item, inner)
            verdicts = [self.evaluate(condition, inner) for condition in first.ifs]
            if not all(known(one) for one in verdicts):
                yield False
                return
            if not all(verdicts):
                continue
            if rest:
                yield from self._rounds(rest, inner)
            else:
                yield True

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        owner = self.evaluate(node.value, scope)
        if isinstance(owner, (Ref, Class, TypeExpression)) and not _is_enum(owner):
            if isinstance(owner, Ref) and owner.name in {"os.environ", "sys.argv"}:
                return UNKNOWN
            return TypeExpression(node, scope)
        if isinstance(node.slice, ast.Slice):
            return _slice(owner, [self._bound(one, scope) for one in (node.slice.lower, node.slice.upper)])
        key = self.evaluate(node.slice, scope)
        if isinstance(owner, Class) and isinstance(key, str):
            return self.member(owner, key)
        return _item(owner, key)

    def _bound(self, node: ast.expr | None, scope: Scope) -> Any:
        return None if node is None else self.evaluate(node, scope)

    # -- operators

    def _binary(self, node: ast.BinOp, scope: Scope) -> Any:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        if isinstance(node.op, ast.BitOr) and (_is_type(left) or _is_type(right)):
            return TypeExpression(node, scope)
        return constants.binary(node.op, left, right)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Any:
        return constants.unary(node.op, self.evaluate(node.operand, scope))

    def _either(self, node: ast.BoolOp, scope: Scope) -> Any:
        for one in node.values:
            value = self.evaluate(one, scope)
            if not known(value):
                # a library's object or a function of the program is true
                if value is UNKNOWN or isinstance(node.op, ast.And):
                    return UNKNOWN
                return value
            if bool(value) is isinstance(node.op, ast.Or):
                return value
        return value

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:
        if len(node.ops) != 1:
            return UNKNOWN
        left, right = self.evaluate(node.left, scope), self.evaluate(node.comparators[0], scope)
        if isinstance(node.ops[0], (ast.Is, ast.IsNot)) and right is None and not known(left) and left is not UNKNOWN:
            return isinstance(node.ops[0], ast.IsNot)
        if not (known(left) and known(right)):
            return UNKNOWN
        try:
            return bool(_COMPARE[type(node.ops[0])](left, right))
        except (TypeError, ValueError, RecursionError):
            return UNKNOWN

    def _conditional(self, node: ast.IfExp, scope: Scope) -> Any:
        test = self.evaluate(node.test, scope)
        return self.evaluate(node.body if test else node.orelse, scope) if known(test) else UNKNOWN

    def _formatted(self, node: ast.JoinedStr, scope: Scope) -> Any:
        text = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = self.evaluate(part.value, scope)
                if part.format_spec is not None or not isinstance(value, (str, int, float)):
                    return UNKNOWN
                text += repr(value) if part.conversion == ord("r") else str(value)
            elif isinstance(part, ast.Constant):
                text += str(part.value)
            if len(text) > constants.MAX_TEXT:
                return UNKNOWN
        return text

    def _named(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = self.evaluate(node.value, scope)
        self.assign(node.target, value, scope)
        return value

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        function = self.evaluate(node.func, scope)
        call = Call(node, scope.module)
        for one in node.args:
            value = self.evaluate(one, scope)
            if not isinstance(one, ast.Starred):
                call.arguments.append(value)
            elif isinstance(value, (list, tuple)) and len(value) <= MAX_ITEMS:
                call.arguments += value
            else:
                call.open = True
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                call.keywords[keyword.arg] = value
            elif isinstance(value, dict):
                call.keywords.update({str(key): one for key, one in value.items()})
            else:
                call.open = True
        return self.apply(function, call, scope)

    _handlers: ClassVar[dict[type[ast.expr], Callable[[Any, Any, Scope], Any]]] = {
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Call: _call,
        ast.List: _sequence,
        ast.Tuple: _sequence,
        ast.Set: _sequence,
        ast.Dict: _dictionary,
        ast.BinOp: _binary,
        ast.UnaryOp: _unary,
        ast.BoolOp: _either,
        ast.Compare: _compare,
        ast.IfExp: _conditional,
        ast.JoinedStr: _formatted,
        ast.NamedExpr: _named,
        ast.Lambda: lambda _, node, scope: Function(node, scope),
        ast.Subscript: _subscript,
        ast.ListComp: _comprehension,
        ast.SetComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.DictComp: _dict_comprehension,
        ast.Await: lambda self, node, scope: self.evaluate(node.value, scope),
        ast.Starred: lambda self, node, scope: self.evaluate(node.value, scope),
    }


def listing(value: Any) -> Sequence[Any] | None:
    """What a loop goes through, when it is known."""
    if isinstance(value, (list, tuple, range, str)):
        return value
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, Class) and value.is_enum:
        return enum_members(value)
    return None


def enum_members(owner: Class) -> list[Instance]:
    """The members of an enumeration."""
    return [Instance(owner, {"value": value, "name": name}) for name, value in owner.members().items()]


def _is_enum(owner: Any) -> bool:
    return isinstance(owner, Class) and owner.is_enum


def _is_type(value: Any) -> bool:
    return isinstance(value, (Ref, Class, TypeExpression))


def _hashable(key: Any) -> bool:
    return key is None or isinstance(key, (str, int, float, bool)) or (isinstance(key, tuple) and known(key))


def _item(owner: Any, key: Any) -> Any:
    if isinstance(owner, (dict, list, tuple, str)) and isinstance(key, (str, int)):
        try:
            return owner[key]  # type: ignore[index]
        except (LookupError, TypeError):
            return UNKNOWN
    return UNKNOWN


def _slice(owner: Any, bounds: list[Any]) -> Any:
    if isinstance(owner, (list, tuple, str, range)) and all(one is None or isinstance(one, int) for one in bounds):
        return owner[bounds[0] : bounds[1]]
    return UNKNOWN
