"""Compiles templates: Jinja2 with our filters and operators, strict about names, closed to all else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any, NamedTuple, NoReturn, cast

from jinja2 import StrictUndefined, Template, Undefined, nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from soop_components.planning import allowed_syntax, encodings, filters, guard, marks, operators
from soop_components.planning.guard import Refused

FILE = "<template>"
"""What templates are called in tracebacks."""
_MOST = 4096
_TESTS = (
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "integer",
    "boolean",
    "mapping",
    "sequence",
    "true",
    "false",
)
_LOOP = ("index", "index0", "revindex", "revindex0", "first", "last", "length")


class UndefinedName(Exception):
    """A template uses a name that is not there."""


class _Strict(StrictUndefined):
    """Says which names there are when one that is missing is used."""

    __slots__ = ()

    def _fail_with_undefined_error(self, *_: Any, **__: Any) -> NoReturn:
        known = self._undefined_obj if isinstance(self._undefined_obj, Mapping) else {}
        raise UndefinedName(self._undefined_name, tuple(known), getattr(known, "advice", None))


# The operators of StrictUndefined are bound to its base's method, so each must be told of ours.
for _name in [name for name in vars(Undefined) if getattr(Undefined, name) is Undefined._fail_with_undefined_error]:
    setattr(_Strict, _name, _Strict._fail_with_undefined_error)
for _name in ("__iter__", "__str__", "__len__", "__eq__", "__ne__", "__bool__", "__hash__", "__contains__"):
    setattr(_Strict, _name, _Strict._fail_with_undefined_error)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2 in which a dot and brackets reach into mappings and lists and nothing else."""

    intercepted_binops = frozenset({"+", "-", "*", "//", "%"})
    intercepted_unops = frozenset({"+", "-"})

    def __init__(self) -> None:
        super().__init__(
            undefined=_Strict, autoescape=False, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True,
            finalize=lambda value: marks.unmarked(filters.text(value)), optimized=False, cache_size=0,
        )  # fmt: skip
        self.globals = {}
        self.filters = {**filters.FILTERS, **encodings.ENCODINGS, "_compare": operators.compare}
        self.tests = {**{name: self.tests[name] for name in _TESTS}, "odd": operators.odd, "even": operators.even}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, marks.Marked) or isinstance(obj, marks.Marked):
            raise marks.LooksInside
        if isinstance(obj, Undefined):
            str(obj)  # raises
        if isinstance(obj, Mapping) and isinstance(argument, str | int):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=str(argument))
        if isinstance(obj, list | tuple) and isinstance(argument, int):
            if -len(obj) <= argument < len(obj):
                return obj[argument]
            raise Refused(f"the list has {len(obj)} items, there is no [{argument}]")
        reached = repr(argument[:60]) if isinstance(argument, str) else "such item"
        raise Refused(f"{filters.kind(obj)} has no {reached}")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return operators.calculate(operator, left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        return operators.signed(operator, arg)


_environment = _Environment()


class Compiled(NamedTuple):
    """A template, whether it leaves its value in ``result``, and of how many nodes it was made."""

    template: Template
    is_expression: bool
    nodes: int


_compiled: dict[tuple[str, bool], Compiled] = {}
"""What was compiled lately, whatever for."""


def compiled(text: str, native: bool) -> Compiled:
    """Compile a template, once per budget, which pays as if nothing had been compiled before."""
    read = guard.read()
    found = read.get((text, native))
    if found is None:
        guard.pay_reading(text)
        found = _compiled.get((text, native))
        if found is not None:
            guard.pay_making(found.nodes)
        else:
            found = _newly_compiled(text, native)
        if len(_compiled) >= _MOST:
            _compiled.clear()
        read[text, native] = _compiled[text, native] = found
    return cast(Compiled, found)


def _newly_compiled(text: str, native: bool) -> Compiled:
    tree = _parsed(text)
    count = allowed_syntax.accept(tree)
    guard.pay_making(count)
    _check_arguments(tree)
    tree = allowed_syntax.counted(tree)
    expression = _single_expression(tree) if native else None
    if expression is not None:
        target = nodes.Name("result", "store", lineno=1)
        tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
        tree.set_environment(_environment)
    code = _environment.compile(tree, filename=FILE)
    return Compiled(Template.from_code(_environment, code, {}, None), expression is not None, count)


def _parsed(text: str) -> nodes.Template:
    try:
        return _environment.parse(text)
    except ValueError:
        raise Refused("a number has too many digits") from None


def _check_arguments(tree: nodes.Template) -> None:
    """Refuse filters and tests that are given other arguments than they take."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        known = (_environment.filters if isinstance(node, nodes.Filter) else _environment.tests).get(node.name)
        if known is not None:
            what = f"{'the filter' if isinstance(node, nodes.Filter) else 'is'} {node.name}"
            named = [cast(nodes.Keyword, each).key for each in node.kwargs]
            _check_call(what, cast(Callable[..., object], known), len(node.args), named, node.lineno)


def _check_call(what: str, function: Callable[..., object], given: int, named: list[str], line: int) -> None:
    _, *arguments = signature(function).parameters.values()
    needed = sum(argument.default is Parameter.empty for argument in arguments)
    unknown = [name for name in named if name not in [argument.name for argument in arguments[given:]]]
    if unknown:
        raise Refused(f"{what} takes no {unknown[0]}", line)
    if not needed <= given + len(named) <= len(arguments):
        most = f"{needed}" if needed == len(arguments) else f"{needed} to {len(arguments)}"
        raise Refused(f"{what} takes {most} arguments in brackets (got {given + len(named)})", line)


def _single_expression(tree: nodes.Template) -> nodes.Expr | None:
    """Return the one expression that a template consists of, if it does."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output) or len(tree.body[0].nodes) != 1:
        return None
    found = tree.body[0].nodes[0]
    return None if isinstance(found, nodes.TemplateData) else found
