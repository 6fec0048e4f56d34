"""Follows a program's statements with constants and stand-ins, to see which parameters its parser is given.

It enters the program's own functions and classes, unrolls loops over constants, takes both ways of a branch, and gives
up (UNKNOWN) wherever only running the program would tell. Steps and depth are bounded. Libraries are known only by
name: what calls to them mean is told by `Library`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlreef.extraction import constants, paths
from mlreef.extraction.values import UNKNOWN, Bound, Class, Function, Instance, Ref, Unknown, known

MAX_STEPS = 60_000
MAX_DEPTH = 24
MAX_ITEMS = 200


class Exhausted(Exception):
    """The program does more than can be followed."""


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class Call:
    """One call as the interpreter saw it."""

    __slots__ = ("arguments", "keywords", "node")

    def __init__(self, node: ast.Call, arguments: list[Any], keywords: dict[str, Any]) -> None:
        self.node = node
        self.arguments = arguments
        self.keywords = keywords

    def keyword_node(self, name: str) -> ast.expr | None:
        """The expression given for a keyword."""
        return next((one.value for one in self.node.keywords if one.arg == name), None)


class Library(Protocol):
    """What calls outside of the program mean."""

    def call(self, name: str, call: Call) -> Any:
        """A function or class of a library; UNKNOWN when it means nothing here."""
        ...

    def method(self, owner: Any, name: str, call: Call) -> Any:
        """A method of something that `call` made; UNKNOWN when it means nothing here."""
        ...


class Interpreter:
    """One program."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._steps = 0
        self._depth = 0
        self.entered: set[ast.AST] = set()
        self.globals: dict[str, Any] = {"__name__": "__main__"}

    def run(self, module: ast.Module) -> None:
        """Follow the whole program as if it was started."""
        self._block(module.body, self.globals)

    def enter(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Follow a function with unknown arguments."""
        self._invoke(Function(function, self.globals), [], {}, lenient=True)

    # -- statements

    def _block(self, body: Sequence[ast.stmt], scope: dict[str, Any]) -> None:
        for statement in body:
            self._step()
            self._statement(statement, scope)

    def _statement(self, node: ast.stmt, scope: dict[str, Any]) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                _bind_imports(node, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                scope[node.name] = Function(node, scope)
            case ast.ClassDef():
                scope[node.name] = Class(node, scope)
            case ast.Assign():
                value = self.evaluate(node.value, scope)
                for target in node.targets:
                    self._assign(target, value, scope)
            case ast.AnnAssign() if node.value is not None:
                self._assign(node.target, self.evaluate(node.value, scope), scope)
            case ast.AugAssign():
                before = self.evaluate(node.target, scope)
                self._assign(node.target, constants.binary(node.op, before, self.evaluate(node.value, scope)), scope)
            case ast.Expr():
                self.evaluate(node.value, scope)
            case ast.Return():
                raise _Return(self.evaluate(node.value, scope) if node.value is not None else None)
            case _:
                self._compound(node, scope)

    def _compound(self, node: ast.stmt, scope: dict[str, Any]) -> None:
        match node:
            case ast.If():
                self._branch(node, scope)
            case ast.For() | ast.AsyncFor():
                self._loop(node, scope)
            case ast.While():
                self.evaluate(node.test, scope)
                self._block(node.body, scope)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    entered = self.evaluate(item.context_expr, scope)
                    if item.optional_vars is not None:
                        self._assign(item.optional_vars, entered, scope)
                self._block(node.body, scope)
            case ast.Try():
                self._block([*node.body, *node.orelse, *node.finalbody], scope)
            case ast.Match():
                for case in node.cases:
                    self._way(case.body, scope)

    def _branch(self, node: ast.If, scope: dict[str, Any]) -> None:
        test = self.evaluate(node.test, scope)
        if known(test):
            self._block(node.body if test else node.orelse, scope)
            return
        self._way(node.body, scope)
        self._way(node.orelse, scope)

    def _way(self, body: Sequence[ast.stmt], scope: dict[str, Any]) -> None:
        """One of several ways: a `return` in it does not end the others."""
        try:
            self._block(body, scope)
        except _Return:
            return

    def _loop(self, node: ast.For | ast.AsyncFor, scope: dict[str, Any]) -> None:
        items = self.evaluate(node.iter, scope)
        if isinstance(items, dict):
            items = list(items)
        if isinstance(items, (list, tuple, range, str)) and len(items) <= MAX_ITEMS:
            for item in items:
                self._assign(node.target, item, scope)
                self._block(node.body, scope)
            return
        self._assign(node.target, UNKNOWN, scope)
        self._block(node.body, scope)

    def _assign(self, target: ast.expr, value: Any, scope: dict[str, Any]) -> None:
        match target:
            case ast.Name():
                scope[target.id] = value
            case ast.Attribute():
                owner = self.evaluate(target.value, scope)
                if isinstance(owner, Instance):
                    owner.attributes[target.attr] = value
            case ast.Subscript():
                owner, key = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
                if isinstance(owner, dict) and isinstance(key, (str, int)) and len(owner) < MAX_ITEMS:
                    owner[key] = value
            case ast.Tuple() | ast.List():
                whole = isinstance(value, (list, tuple)) and len(value) == len(target.elts)
                for index, one in enumerate(target.elts):
                    self._assign(one, value[index] if whole else UNKNOWN, scope)

    # -- expressions

    def evaluate(self, node: ast.expr, scope: dict[str, Any]) -> Any:
        """The constant or stand-in that an expression means."""
        self._step()
        self._depth += 1
        try:
            if self._depth > 160:
                raise Exhausted
            return self._expression(node, scope)
        finally:
            self._depth -= 1

    def _expression(self, node: ast.expr, scope: dict[str, Any]) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._name(node.id, scope)
            case ast.Attribute():
                return self._attribute(self.evaluate(node.value, scope), node.attr)
            case ast.Call():
                return self._call(node, scope)
            case ast.List() | ast.Tuple() | ast.Set():
                return self._sequence(node, scope)
            case ast.Dict():
                return self._dictionary(node, scope)
            case ast.BinOp():
                return constants.binary(node.op, self.evaluate(node.left, scope), self.evaluate(node.right, scope))
            case ast.UnaryOp():
                return constants.unary(node.op, self.evaluate(node.operand, scope))
            case ast.Lambda():
                return Function(node, scope)
            case ast.NamedExpr():
                value = self.evaluate(node.value, scope)
                self._assign(node.target, value, scope)
                return value
            case _:
                return self._rarer(node, scope)

    def _rarer(self, node: ast.expr, scope: dict[str, Any]) -> Any:
        match node:
            case ast.JoinedStr():
                return self._formatted(node, scope)
            case ast.Subscript():
                return _item(self.evaluate(node.value, scope), self.evaluate(node.slice, scope))
            case ast.IfExp():
                test = self.evaluate(node.test, scope)
                return self.evaluate(node.body if test else node.orelse, scope) if known(test) else UNKNOWN
            case ast.Compare() if len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
                left, right = self.evaluate(node.left, scope), self.evaluate(node.comparators[0], scope)
                if not (known(left) and known(right)):
                    return UNKNOWN
                return (left == right) is isinstance(node.ops[0], ast.Eq)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._comprehension(node, scope)
            case ast.Await() | ast.Starred():
                return self.evaluate(node.value, scope)
        return UNKNOWN

    def _name(self, name: str, scope: Mapping[str, Any]) -> Any:
        if name in scope:
            return scope[name]
        if name in self.globals:
            return self.globals[name]
        return Ref(name) if name in paths.BUILTINS else UNKNOWN

    def _attribute(self, owner: Any, name: str) -> Any:
        if isinstance(owner, Ref):
            return paths.known_constant(f"{owner.name}.{name}")
        if isinstance(owner, Instance):
            if name in owner.attributes:
                return owner.attributes[name]
            return Bound(owner, name)
        if isinstance(owner, Class):
            return self._member(owner, name)
        return Bound(owner, name) if not isinstance(owner, Unknown) else UNKNOWN

    def _member(self, owner: Class, name: str) -> Any:
        found = owner.members().get(name)
        if found is None:
            method = owner.method(name)
            return Function(method, owner.scope) if method is not None else UNKNOWN
        value = self.evaluate(found, owner.scope)
        return Instance(owner, {"value": value, "name": name}) if owner.is_enum else value

    def enum_values(self, owner: Class) -> list[Any] | None:
        """The values of an enumeration, when all are constants."""
        found = [self.evaluate(value, owner.scope) for value in owner.members().values()]
        return found if found and all(known(one) for one in found) else None

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set, scope: dict[str, Any]) -> Any:
        found: list[Any] = []
        for element in node.elts:
            value = self.evaluate(element, scope)
            if isinstance(element, ast.Starred):
                if not isinstance(value, (list, tuple, range)):
                    return UNKNOWN
                found += value
            else:
                found.append(value)
        if isinstance(node, ast.Set):
            return set(found) if all(isinstance(one, (str, int, float)) for one in found) else UNKNOWN
        return tuple(found) if isinstance(node, ast.Tuple) else found

    def _dictionary(self, node: ast.Dict, scope: dict[str, Any]) -> Any:
        found: dict[Any, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.evaluate(value_node, scope)
            if key_node is None:
                if not isinstance(value, dict):
                    return UNKNOWN
                found.update(value)
                continue
            key = self.evaluate(key_node, scope)
            if not isinstance(key, (str, int, float, bool)):
                return UNKNOWN
            found[key] = value
        return found

    def _formatted(self, node: ast.JoinedStr, scope: dict[str, Any]) -> Any:
        text = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = self.evaluate(part.value, scope)
                if part.format_spec is not None or not isinstance(value, (str, int, float)):
                    return UNKNOWN
                text += str(value)
            elif isinstance(part, ast.Constant):
                text += str(part.value)
        return text if len(text) <= 10_000 else UNKNOWN

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: dict[str, Any]) -> Any:
        source = node.generators[0]
        items = self.evaluate(source.iter, scope)
        if isinstance(items, Class) and items.is_enum:
            items = [self._member(items, name) for name in items.members()]
        if len(node.generators) > 1 or source.ifs or not isinstance(items, (list, tuple, range, str, dict)):
            return UNKNOWN
        if len(items) > MAX_ITEMS:
            return UNKNOWN
        found = []
        inner = dict(scope)
        for item in items:
            self._assign(source.target, item, inner)
            found.append(self.evaluate(node.elt, inner))
        return found

    # -- calls

    def _call(self, node: ast.Call, scope: dict[str, Any]) -> Any:
        function = self.evaluate(node.func, scope)
        arguments: list[Any] = []
        for one in node.args:
            value = self.evaluate(one, scope)
            if isinstance(one, ast.Starred):
                arguments += list(value) if isinstance(value, (list, tuple)) else [UNKNOWN]
            else:
                arguments.append(value)
        keywords: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif isinstance(value, dict):
                keywords.update({str(key): one for key, one in value.items()})
        return self._apply(function, Call(node, arguments, keywords))

    def _apply(self, function: Any, call: Call) -> Any:
        if isinstance(function, Ref):
            found = self._library.call(function.name, call)
            return constants.call(function.name, call.arguments, call.keywords) if found is UNKNOWN else found
        if isinstance(function, Function):
            return self._invoke(function, call.arguments, call.keywords)
        if isinstance(function, Class):
            return self._instantiate(function, call)
        if isinstance(function, Bound):
            return self._method(function, call)
        return UNKNOWN

    def _method(self, bound: Bound, call: Call) -> Any:
        if isinstance(bound.owner, Instance):
            node = bound.owner.of.method(bound.name)
            if node is None:
                return UNKNOWN
            return self._invoke(Function(node, bound.owner.of.scope), [bound.owner, *call.arguments], call.keywords)
        if isinstance(bound.owner, list) and bound.name == "append" and call.arguments:
            if len(bound.owner) < MAX_ITEMS:
                bound.owner.append(call.arguments[0])
            return None
        found = self._library.method(bound.owner, bound.name, call)
        return constants.method(bound.owner, bound.name, call.arguments) if found is UNKNOWN else found

    def _instantiate(self, of: Class, call: Call) -> Any:
        made = Instance(of)
        constructor = of.method("__init__")
        if constructor is not None:
            self._invoke(Function(constructor, of.scope), [made, *call.arguments], call.keywords)
        return made

    def _invoke(
        self, function: Function, arguments: list[Any], keywords: Mapping[str, Any], *, lenient: bool = False
    ) -> Any:
        node = function.node
        if isinstance(node, ast.Lambda):
            return UNKNOWN
        active = self._depth > MAX_DEPTH * 6
        if active:
            return UNKNOWN
        self.entered.add(node)
        scope = dict(function.scope) if function.scope is not self.globals else {}
        self._bind(node.args, scope, arguments, keywords, lenient=lenient)
        self._depth += 6
        try:
            self._block(node.body, scope)
        except _Return as returned:
            return returned.value
        finally:
            self._depth -= 6
        return None

    def _bind(
        self,
        parameters: ast.arguments,
        scope: dict[str, Any],
        arguments: list[Any],
        keywords: Mapping[str, Any],
        *,
        lenient: bool,
    ) -> None:
        names = [one.arg for one in (*parameters.posonlyargs, *parameters.args)]
        defaults = dict(zip(reversed(names), reversed(parameters.defaults), strict=False))
        defaults |= {
            one.arg: value
            for one, value in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
            if value is not None
        }
        for name in (*names, *(one.arg for one in parameters.kwonlyargs)):
            default = defaults.get(name)
            scope[name] = self.evaluate(default, scope) if default is not None and not lenient else UNKNOWN
        scope.update(zip(names, arguments, strict=False))
        scope.update({name: value for name, value in keywords.items() if name in scope})

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Exhausted


def _bind_imports(node: ast.Import | ast.ImportFrom, scope: dict[str, Any]) -> None:
    for alias in node.names:
        if isinstance(node, ast.Import):
            if alias.asname is not None:
                scope[alias.asname] = Ref(alias.name)
            else:
                top = alias.name.partition(".")[0]
                scope[top] = Ref(top)
        elif node.level == 0 and node.module is not None:
            scope[alias.asname or alias.name] = paths.known_constant(f"{node.module}.{alias.name}")
        else:
            scope[alias.asname or alias.name] = UNKNOWN


def _item(owner: Any, key: Any) -> Any:
    if isinstance(owner, (dict, list, tuple, str)) and isinstance(key, (str, int)):
        try:
            return owner[key]  # type: ignore[index]
        except (LookupError, TypeError):
            return UNKNOWN
    return UNKNOWN
