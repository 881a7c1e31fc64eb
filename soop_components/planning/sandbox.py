"""The part of Jinja2 that templates may use: only the syntax listed here, and nothing but the data they are given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from soop_components.planning import filters, limits, marks
from soop_components.planning.encodings import ENCODINGS
from soop_components.planning.limits import Refused
from soop_components.planning.scope import Address

_LENGTH = 262_144
"""Characters that one template may have."""
_PARTS = 20_000
"""Parts that its statements and expressions may have together."""
_DEPTH = 60
"""Levels that they may be nested."""
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.Name, nodes.Const,
    nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Getattr, nodes.Getitem, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat, nodes.Filter, nodes.Test,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos,
)  # fmt: skip
_TESTS = (
    "defined", "undefined", "none", "string", "number", "integer", "boolean", "mapping", "sequence", "true", "false",
)  # fmt: skip
_LOOP = ("index", "index0", "revindex", "revindex0", "first", "last", "length")


class UndefinedName(Exception):
    """A template uses a name that is not there; it was looked for in the second argument, if that is a mapping."""


class _Strict(StrictUndefined):
    """What a name that is not there yields; whatever is done with it raises ``UndefinedName``."""

    @property
    def _undefined_message(self) -> str:
        raise UndefinedName(self._undefined_name, self._undefined_obj)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2 in which a dot and brackets reach into mappings and lists and nothing else."""

    intercepted_binops = frozenset({"+", "-", "*", "//", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=_Strict, autoescape=False, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True,
            finalize=_finalize, optimized=False, cache_size=0,
        )  # fmt: skip
        self.globals = {"range": filters.range_}
        known = {**filters.FILTERS, **ENCODINGS, **filters.SYNTAX}
        self.filters = {name: limits.counted(name, function) for name, function in known.items()}
        self.tests = {name: self.tests[name] for name in _TESTS} | filters.TESTS

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, marks.Marked) or isinstance(obj, marks.Marked):
            raise marks.LooksInside
        if isinstance(obj, Address):
            obj = obj.parts
        if isinstance(obj, Mapping) and isinstance(argument, str | int):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=str(argument))
        if isinstance(obj, list) and isinstance(argument, int):
            return filters.item(obj, argument)
        reached = repr(argument[:60]) if isinstance(argument, str) else "such item"
        raise Refused(f"{filters.kind(obj)} has no {reached}")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return self.filters["a ~ b"]([left, right])
        if operator == "+" and isinstance(left, list) and isinstance(right, list):
            limits.spend(len(left) + len(right))
            return left + right
        numbers = [filters.number(operator, value) for value in (left, right)]
        return super().call_binop(context, operator, *numbers)


@pass_context  # so that nothing is worked out while a template is compiled
def _finalize(_: Context, value: object) -> str:
    return marks.unmarked(filters.text(value))


_environment = _Environment()


@lru_cache(maxsize=4096)
def compiled(text: str, native: bool, comments: bool = False) -> tuple[Template, bool]:
    """Compile a template, and say whether it leaves the value of its only expression in the variable ``result``."""
    if len(text) > _LENGTH:
        raise Refused(f"the template is longer than {_LENGTH} characters")
    if not comments and "{#" in text:
        _refuse_comment(text)
    tree = _environment.parse(text)
    _check(tree, 0)
    if sum(1 for _ in tree.find_all(nodes.Node)) > _PARTS:
        raise Refused(f"the template has more than {_PARTS} parts")
    tree = _Counting().visit(tree)
    is_expression = False
    match tree.body:
        case [nodes.Output(nodes=[nodes.Expr() as value])] if native and not isinstance(value, nodes.TemplateData):
            tree.body = [nodes.Assign(nodes.Name("result", "store"), value, lineno=1)]
            tree.set_environment(_environment)
            is_expression = True
    code = _environment.compile(tree)
    return Template.from_code(_environment, code, _environment.globals), is_expression


def _refuse_comment(text: str) -> None:
    """Refuse what would vanish from a text: ``${#name}`` of a shell begins a comment of templates."""
    with suppress(TemplateSyntaxError):  # reported when it is parsed
        if any(kind == "comment_begin" for _, kind, _ in _environment.lex(text)):
            raise Refused("{# begins a comment, which only *.j2 files may have; write {{ '{#' }} for the characters")


def _check(node: nodes.Node, depth: int) -> None:
    problem = _problem(node) if depth <= _DEPTH else "the template is nested too deeply"
    if problem is not None:
        raise TemplateSyntaxError(problem, node.lineno)
    for child in node.iter_child_nodes():
        _check(child, depth + 1)


def _problem(node: nodes.Node) -> str | None:
    """Say what is wrong with a part of a template by itself."""
    match node:
        case nodes.Call(node=nodes.Name(name="range")):
            return None
        case nodes.Call():
            return "functions and methods cannot be called (only range); use filters: {% for key, value in x | items %}"
        case nodes.Div():
            return "use // to divide"
        case nodes.For(recursive=True):
            return "recursive loops are not part of templates here"
        case nodes.Const(value=float(value)) if not math.isfinite(value):
            return "a number is too large"
        case nodes.Const(value=str(value)) if any("\ud800" <= character <= "\udfff" for character in value):
            return "a text has half of a character in it (\\ud800 to \\udfff)"
    return None if isinstance(node, _ALLOWED) else f"{type(node).__name__.lower()} is not part of templates here"


class _Counting(NodeTransformer):
    """Makes filters, which count, of the syntax that does work without calling anything of ours."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        names = len(node.target.items) if isinstance(node.target, nodes.Tuple) else None
        node.iter = _filter("for in", node.iter, names)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filter("a < b", node.expr)
        for operand in node.ops:
            operand.expr = _filter("a < b", operand.expr)
        return node

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        """Make it a list, which cannot be a key: hashing a tuple that holds others many times would take for ever."""
        self.generic_visit(node)
        return nodes.List(node.items, lineno=node.lineno) if node.ctx == "load" else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter("a ~ b", nodes.List(node.nodes, lineno=node.lineno))


def _filter(name: str, value: nodes.Node, *arguments: object) -> nodes.Filter:
    constants: list[nodes.Expr] = [nodes.Const(argument, lineno=value.lineno) for argument in arguments]
    return nodes.Filter(cast(nodes.Expr, value), name, constants, [], None, None, lineno=value.lineno)
