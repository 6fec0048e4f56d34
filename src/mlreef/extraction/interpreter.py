"""Follows a program's statements with constants and stand-ins, to see which parameters its parser is given.

It enters the program's own functions and classes, unrolls loops over constants, takes both ways of a branch, and gives
up (UNKNOWN) wherever only running the program would tell. Steps and depth are bounded. Libraries are known only by
name: what calls to them mean is told by `Library`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from mlreef.extraction import constants, paths
from mlreef.extraction.calls import Call, Library, Wraps
from mlreef.extraction.evaluator import MAX_ITEMS, Evaluator, listing
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
    known,
)

MAX_CALLS = 24
_DECORATORS = {"staticmethod", "classmethod", "property", "functools.cached_property", "abc.abstractmethod"}


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class _LoopEnd(Exception):
    """`break` or `continue`."""


class Interpreter(Evaluator):
    """One program, which may have several modules."""

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self._calls = 0
        self.entered: set[ast.AST] = set()

    def run(self, tree: ast.Module, module: Module) -> None:
        """Follow a module as if it was started or imported."""
        module.scope.variables["__doc__"] = ast.get_docstring(tree)
        module.scope.variables["__name__"] = module.name
        self._block(tree.body, module.scope)

    def enter(self, function: ast.FunctionDef | ast.AsyncFunctionDef, module: Module) -> None:
        """Follow a function with unknown arguments."""
        self.invoke(Function(function, module.scope), [], {}, lenient=True)

    # -- statements

    def _block(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        for statement in body:
            self.spend(1)
            handler = self._statements.get(type(statement))
            if handler is not None:
                handler(self, statement, scope)

    def _import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            scope.module.imports.append(alias.name)
            if alias.asname is not None:
                scope.assign(alias.asname, Ref(alias.name))
            else:
                top = alias.name.partition(".")[0]
                scope.assign(top, Ref(top))

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        name = node.module or ""
        if node.level:
            package = scope.module.package
            kept = package[: len(package) - node.level + 1] if node.level > 1 else package
            name = ".".join((*kept, *filter(None, [name])))
        for alias in node.names:
            if alias.name == "*":
                module = (
                    None
                    if paths.is_library(name.partition(".")[0])
                    else self._library.find_module(name, scope.module, node.level)
                )
                for key, value in module.scope.variables.items() if module is not None else ():
                    if not key.startswith("_"):
                        scope.assign(key, value)
            else:
                full = f"{name}.{alias.name}" if name else alias.name
                scope.module.imports.append(full)
                scope.assign(alias.asname or alias.name, paths.known_constant(full))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        scope.assign(node.name, self._decorated(node, Function(node, scope), scope))

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        bases = [self.evaluate(one, scope) for one in node.bases]
        made = Class(node, Scope(scope.module, scope), bases)
        self._block([one for one in node.body if not isinstance(one, ast.FunctionDef)], made.body)
        for one in node.body:
            if isinstance(one, ast.FunctionDef):
                method = Function(one, scope, owner=made)
                made.body.variables[one.name] = self._decorated(one, method, scope)
        scope.assign(node.name, self._decorated(node, made, scope))

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, target: Any, scope: Scope) -> Any:
        for decorator in reversed(node.decorator_list):
            value = self.evaluate(decorator, scope)
            call = Call(decorator, scope.module)
            if isinstance(value, Ref):
                if value.name in _DECORATORS:
                    target.marks.append(value.name)
                else:
                    target = self._library.decorate(value.name, target, call)
            elif isinstance(value, Bound) and isinstance(value.owner, Thing):
                made = value.owner.method(value.name, call)
                target = made.decorate(target, None) if isinstance(made, Thing) else target
            elif isinstance(value, Thing):
                target = value.decorate(target, call)
            elif isinstance(value, Function):
                made = self.invoke(value, [target], {})
                target = made if isinstance(made, (Function, Thing)) else target
        return target

    def _set(self, node: ast.Assign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, scope), scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        before, more = self.evaluate(node.target, scope), self.evaluate(node.value, scope)
        joined = constants.binary(node.op, before, more)
        if joined is UNKNOWN and isinstance(before, list) and isinstance(more, (list, tuple)):
            joined = [*before, *more] if len(before) + len(more) <= MAX_ITEMS else UNKNOWN
        self.assign(node.target, joined, scope)

    def _expression_statement(self, node: ast.Expr, scope: Scope) -> None:
        self.evaluate(node.value, scope)

    def _return(self, node: ast.Return, scope: Scope) -> None:
        raise _Return(self.evaluate(node.value, scope) if node.value is not None else None)

    def _leave(self, node: ast.stmt, scope: Scope) -> None:
        raise _LoopEnd

    def _global(self, node: ast.Global, scope: Scope) -> None:
        scope.declared_global.update(node.names)

    def _branch(self, node: ast.If, scope: Scope) -> None:
        test = self.evaluate(node.test, scope)
        if known(test) or isinstance(test, (Thing, Function, Class, Instance)):
            self._block(node.body if test else node.orelse, scope)
            return
        before = dict(scope.variables)
        self._way(node.body, scope)
        one = scope.variables
        scope.variables = before
        self._way(node.orelse, scope)
        _merge(scope.variables, one)

    def _way(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """One of several ways: a `return` in it does not end the others."""
        try:
            self._block(body, scope)
        except (_Return, _LoopEnd):
            return

    def _loop(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        items = listing(self.evaluate(node.iter, scope))
        if items is None or len(items) > MAX_ITEMS:
            items = [UNKNOWN]
        for item in items:
            self.assign(node.target, item, scope)
            try:
                self._block(node.body, scope)
            except _LoopEnd:
                continue

    def _while(self, node: ast.While, scope: Scope) -> None:
        self.evaluate(node.test, scope)
        try:
            self._block(node.body, scope)
        except _LoopEnd:
            return

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        for item in node.items:
            entered = self.evaluate(item.context_expr, scope)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, entered, scope)
        self._block(node.body, scope)

    def _try(self, node: ast.Try, scope: Scope) -> None:
        self._block([*node.body, *node.orelse, *node.finalbody], scope)

    def _match(self, node: ast.Match, scope: Scope) -> None:
        self.evaluate(node.subject, scope)
        for case in node.cases:
            self._way(case.body, scope)

    # -- variables

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """See `Evaluator.assign`."""
        match target:
            case ast.Name():
                scope.assign(target.id, value)
            case ast.Attribute():
                owner = self.evaluate(target.value, scope)
                if isinstance(owner, Instance):
                    owner.attributes[target.attr] = value
                elif isinstance(owner, Class):
                    owner.body.variables[target.attr] = value
            case ast.Subscript():
                owner, key = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
                if isinstance(owner, dict) and isinstance(key, (str, int)) and len(owner) < MAX_ITEMS:
                    owner[key] = value
            case ast.Tuple() | ast.List():
                items = listing(value)
                whole = items is not None and len(items) == len(target.elts)
                for index, one in enumerate(target.elts):
                    self.assign(one, items[index] if whole and items is not None else UNKNOWN, scope)
            case ast.Starred():
                self.assign(target.value, UNKNOWN, scope)

    def resolve(self, name: str, importer: Module) -> Any:
        """See `Evaluator.resolve`."""
        head, _, last = name.rpartition(".")
        if not head or paths.is_library(name.partition(".")[0]):
            return paths.known_constant(name)
        module = self._library.find_module(head, importer, 0)
        if module is not None and last in module.scope.variables:
            value = module.scope.variables[last]
            return self.resolve(value.name, module) if isinstance(value, Ref) and value.name != name else value
        inner = self._library.find_module(name, importer, 0)
        if inner is not None:
            return inner
        return UNKNOWN if module is not None else paths.known_constant(name)

    def member(self, owner: Any, name: str) -> Any:
        """See `Evaluator.member`."""
        if isinstance(owner, Instance):
            if name in owner.attributes:
                return owner.attributes[name]
            found = owner.of.find(name)
            if isinstance(found, Function):
                if "property" in found.marks or "functools.cached_property" in found.marks:
                    return self.invoke(found, [owner], {})
                return found if "staticmethod" in found.marks else Bound(owner, name)
            if found is UNKNOWN and isinstance(owner.base, Thing):
                return owner.base.attribute(name)
            return Bound(owner, name) if found is UNKNOWN else found
        if isinstance(owner, Super):
            return Bound(owner, name)
        found = owner.find(name)
        if isinstance(found, Function) and "classmethod" in found.marks:
            return Bound(owner, name)
        if owner.is_enum and name in owner.members():
            return Instance(owner, {"value": found, "name": name})
        if name == "__members__" and owner.is_enum:
            return {key: Instance(owner, {"value": value, "name": key}) for key, value in owner.members().items()}
        if name == "__doc__":
            return ast.get_docstring(owner.node)
        return owner.node.name if name == "__name__" else found

    # -- calls

    def apply(self, function: Any, call: Call, scope: Scope) -> Any:
        """See `Evaluator.apply`."""
        if isinstance(function, Ref):
            return self._apply_name(function.name, call, scope)
        if isinstance(function, Function):
            return self.invoke(function, call.arguments, call.keywords)
        if isinstance(function, Class):
            return self._instantiate(function, call)
        if isinstance(function, Bound):
            return self._method(function, call)
        return function.call(call) if isinstance(function, Thing) else self._library.passed(call)

    def _apply_name(self, name: str, call: Call, scope: Scope) -> Any:
        if name == "functools.wraps" and call.arguments:
            return Wraps(call.arguments[0])
        if name == "functools.partial" and call.arguments:
            return call.arguments[0]
        if name == "super":
            return self._super(scope)
        if name in {"list", "tuple", "sorted"} and len(call.arguments) == 1:
            items = listing(call.arguments[0])
            if items is not None and not known(call.arguments[0]) and len(items) <= MAX_ITEMS:
                sortable = name == "sorted" and all(isinstance(one, str) for one in items)
                return sorted(items) if sortable else list(items)
        if name == "getattr" and len(call.arguments) >= 2 and isinstance(call.arguments[1], str):
            owner = call.arguments[0]
            if isinstance(owner, (Instance, Class)):
                return self.member(owner, call.arguments[1])
        found = self._library.call(name, call)
        if found is UNKNOWN:
            found = constants.call(name, call.arguments, call.keywords)
        return self._library.passed(call) if found is UNKNOWN else found

    def _super(self, scope: Scope) -> Any:
        found, owner = scope.find("__class__")
        _, instance = scope.find("__self__")
        return Super(instance, owner) if found and isinstance(instance, Instance) else UNKNOWN

    def _method(self, bound: Bound, call: Call) -> Any:
        owner, name = bound.owner, bound.name
        if isinstance(owner, Instance):
            found = owner.of.find(name)
            if isinstance(found, Function):
                first = owner.of if "classmethod" in found.marks else owner
                return self.invoke(found, [first, *call.arguments], call.keywords, receiver=owner)
            if isinstance(found, Class):
                return self._instantiate(found, call)
            return owner.base.method(name, call) if isinstance(owner.base, Thing) else UNKNOWN
        if isinstance(owner, Super):
            return self._above(owner, name, call)
        if isinstance(owner, Class):
            found = owner.find(name)
            return (
                self.invoke(found, [owner, *call.arguments], call.keywords) if isinstance(found, Function) else UNKNOWN
            )
        if isinstance(owner, Thing):
            return owner.method(name, call)
        return _change(owner, name, call.arguments)

    def _above(self, owner: Super, name: str, call: Call) -> Any:
        lineage = list(owner.instance.of.lineage())
        after = lineage[lineage.index(owner.above) + 1 :] if owner.above in lineage else []
        for one in after:
            found = one.body.variables.get(name)
            if isinstance(found, Function):
                return self.invoke(found, [owner.instance, *call.arguments], call.keywords, receiver=owner.instance)
        if name == "__init__":
            if owner.instance.base is None:
                owner.instance.base = self._base(owner.instance.of, call)
            return None
        base = owner.instance.base
        return base.method(name, call) if isinstance(base, Thing) else UNKNOWN

    def _base(self, of: Class, call: Call) -> Any:
        """What the library's class that a class inherits from makes of the arguments."""
        for name in of.base_names():
            made = self._library.call(name, call)
            if isinstance(made, Thing):
                return made
        return None

    def _instantiate(self, of: Class, call: Call) -> Any:
        if of.is_enum:
            return next(
                (one for one in listing(of) or () if one.attributes["value"] == call.argument(0, "value")), UNKNOWN
            )
        understood = self._library.instantiate(of, call)
        if understood is not None:
            return understood
        made = Instance(of)
        constructor = of.find("__init__")
        if isinstance(constructor, Function):
            self.invoke(constructor, [made, *call.arguments], call.keywords, receiver=made)
        else:
            made.base = self._base(of, call)
            made.attributes.update(call.keywords)
        if made.base is None:
            made.base = self._base(of, Call(call.node, call.module))
        return made

    def invoke(
        self,
        function: Function,
        arguments: list[Any],
        keywords: Mapping[str, Any],
        *,
        lenient: bool = False,
        receiver: Instance | None = None,
    ) -> Any:
        """What calling a function of the program returns."""
        if self._calls >= MAX_CALLS:
            return UNKNOWN
        node = function.node
        scope = Scope(function.scope.module, function.scope)
        self._bind(node.args, scope, arguments, keywords, lenient=lenient)
        if function.owner is not None:
            first = receiver or (arguments[0] if arguments else None)
            scope.variables.update({"__class__": function.owner, "__self__": first})
        self._calls += 1
        try:
            if isinstance(node, ast.Lambda):
                return self.evaluate(node.body, scope)
            self.entered.add(node)
            self._block(node.body, scope)
        except _Return as returned:
            return returned.value
        except _LoopEnd:
            return UNKNOWN
        finally:
            self._calls -= 1
        return None

    def _bind(
        self,
        parameters: ast.arguments,
        scope: Scope,
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
        every = (*names, *(one.arg for one in parameters.kwonlyargs))
        for name in every:
            default = defaults.get(name)
            known_default = default is not None and not lenient
            scope.variables[name] = self.evaluate(default, scope) if known_default and default else UNKNOWN
        scope.variables.update(zip(names, arguments, strict=False))
        scope.variables.update({name: value for name, value in keywords.items() if name in every})
        if parameters.vararg is not None:
            scope.variables[parameters.vararg.arg] = UNKNOWN if lenient else tuple(arguments[len(names) :])
        if parameters.kwarg is not None:
            rest = {name: value for name, value in keywords.items() if name not in every}
            scope.variables[parameters.kwarg.arg] = UNKNOWN if lenient else rest

    _statements: ClassVar[dict[type[ast.stmt], Callable[[Any, Any, Scope], None]]] = {
        ast.Import: _import,
        ast.ImportFrom: _import_from,
        ast.FunctionDef: _function,
        ast.AsyncFunctionDef: _function,
        ast.ClassDef: _class,
        ast.Assign: _set,
        ast.AnnAssign: _annotated,
        ast.AugAssign: _augmented,
        ast.Expr: _expression_statement,
        ast.Return: _return,
        ast.Break: _leave,
        ast.Continue: _leave,
        ast.Global: _global,
        ast.Nonlocal: _global,
        ast.If: _branch,
        ast.For: _loop,
        ast.AsyncFor: _loop,
        ast.While: _while,
        ast.With: _with,
        ast.AsyncWith: _with,
        ast.Try: _try,
        ast.Match: _match,
    }


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    """After two ways: a variable that is one constant on one way and another on the other is not known."""
    for name, value in other.items():
        if name not in into or into[name] is UNKNOWN:
            into[name] = value
        elif into[name] is not value and known(value) and known(into[name]):
            same = type(value) is type(into[name]) and not isinstance(value, (list, dict, set)) and value == into[name]
            into[name] = value if same else UNKNOWN


def _change(owner: Any, name: str, arguments: list[Any]) -> Any:
    """Methods that change lists and dictionaries, and harmless ones of constants."""
    small = isinstance(owner, (list, dict)) and len(owner) < MAX_ITEMS
    if isinstance(owner, list) and name in {"append", "extend", "insert"} and arguments:
        more = [arguments[-1]] if name != "extend" else list(listing(arguments[0]) or ())[:MAX_ITEMS]
        if small:
            owner += more
        return None
    if isinstance(owner, dict) and name in {"update", "setdefault", "pop"} and arguments:
        if name == "update" and isinstance(arguments[0], dict) and small:
            owner.update(arguments[0])
            return None
        if name == "pop" and isinstance(arguments[0], str):
            return owner.pop(arguments[0], arguments[1] if len(arguments) > 1 else UNKNOWN)
        return UNKNOWN
    if isinstance(owner, dict) and name in {"keys", "values", "items", "get", "copy"}:
        return _looked_up(owner, name, arguments)
    return constants.method(owner, name, arguments)


def _looked_up(owner: dict[Any, Any], name: str, arguments: list[Any]) -> Any:
    if name == "get":
        key = arguments[0] if arguments else UNKNOWN
        default = arguments[1] if len(arguments) > 1 else None
        return owner.get(key, default) if isinstance(key, (str, int, float)) or key is None else UNKNOWN
    if name == "copy":
        return dict(owner)
    return list(getattr(owner, name)())
