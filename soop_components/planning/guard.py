"""What a template may do, and how much: a small part of Jinja2, with every step counted.

A template comes out of an artifact and is rendered where Pulumi runs, so it is not trusted: only the statements and
expressions listed here are accepted, and what could grow or repeat is rewritten to pay for its work out of a budget.
The budget is counted, not timed, so that the same template succeeds or fails the same way everywhere and in any thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

WORK = 1_000_000
"""Steps and characters that one template may cost."""
LENGTH = 262_144
"""Characters that one template may have."""
TOGETHER = 50 * WORK
"""Steps and characters that all templates of a service may cost together."""
_READING = 50
"""Steps that reading one character of a template counts for."""
_RENDERING = 100
"""Steps that rendering even the shortest template counts for."""
DEPTH = 60
"""Levels that its expressions and blocks may be nested."""

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Filter,
    nodes.Test,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
)
_INSTEAD: dict[type[nodes.Node], str] = {
    nodes.Call: "functions and methods cannot be called (only range); use filters: {% for key, value in x | items %}",
    nodes.Slice: "slices are not part of templates here",
    nodes.Pow: "powers are not part of templates here",
    nodes.Div: "use // to divide",
}


class Refused(Exception):
    """A template does what templates may not do; the text says what, ``line`` where."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class _Purse:
    """What the templates of a service have left, and which of them have been read."""

    def __init__(self) -> None:
        self.left = TOGETHER
        self.read: set[str] = set()


_left: ContextVar[list[int]] = ContextVar("work_left")
_purse: ContextVar[_Purse | None] = ContextVar("work_left_together", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Give all renderings inside one budget beside their own, so that many small ones cannot do what one may not."""
    token = _purse.set(_purse.get() or _Purse())
    try:
        yield
    finally:
        _purse.reset(token)


@contextmanager
def budget(text: str) -> Iterator[None]:
    """Give the reading and the rendering of a template their budget."""
    purse = _purse.get()
    if purse is not None:
        purse.left -= _RENDERING + (0 if text in purse.read else _READING * len(text))
        if purse.left < 0:
            raise Refused("the templates of this service do too much together")
    left = [WORK]
    token = _left.set(left)
    try:
        yield
        if purse is not None:
            purse.read.add(text)
    finally:
        _left.reset(token)
        if purse is not None:
            purse.left -= WORK - max(left[0], 0)  # what was refused was not done


def pay(work: int) -> None:
    """Count ``work`` before it is done."""
    left = _left.get()
    left[0] -= work
    if left[0] < 0:
        raise Refused(f"the template does too much (more than {WORK} steps and characters)")


def size(value: object) -> int:
    """Pay for walking through ``value`` and return how big it is."""
    if isinstance(value, str):
        found = str.__len__(value)
        pay(found + 1)
        return found + 1
    pay(1)
    if isinstance(value, Mapping):
        return 1 + sum(size(key) + size(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return 1 + sum(size(item) for item in value)
    return 1


def accept(template: nodes.Template) -> nodes.Template:
    """Return the template with its work counted, or refuse what it does."""
    _check(template, 0)
    return cast(nodes.Template, _Counting().visit(template))


def _check(node: nodes.Node, depth: int) -> None:
    if depth > DEPTH:
        raise Refused("the template is nested too deeply", node.lineno)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range":
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise Refused("range takes one to three numbers", node.lineno)
    elif not isinstance(node, _ALLOWED):
        reason = _INSTEAD.get(type(node), f"{type(node).__name__.lower()} is not part of templates here")
        raise Refused(reason, node.lineno)
    if isinstance(node, nodes.For) and node.recursive:
        raise Refused("recursive loops are not part of templates here", node.lineno)
    if isinstance(node, nodes.Filter) and (node.node is None or node.dyn_args or node.dyn_kwargs):
        raise Refused("filter blocks and unpacked arguments are not part of templates here", node.lineno)
    if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
        raise Refused("set gives a value to one name", node.lineno)
    for child in node.iter_child_nodes():
        _check(child, depth + 1)


class _Counting(NodeTransformer):
    """Puts the counting filters where work is done."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        cost = sum(_cost(child) for child in [*node.body, *([node.test] if node.test else [])])
        self.generic_visit(node)
        node.iter = _filter("_each", node.iter, nodes.Const(cost))
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filter("_compared", node.expr)
        for operand in node.ops:
            operand.expr = _filter("_compared", operand.expr)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:
        self.generic_visit(node)
        node.key = _filter("_key", node.key)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter("_concat", nodes.List(node.nodes, lineno=node.lineno))

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        return _filter("_range", nodes.List(list(node.args), lineno=node.lineno))


def _filter(name: str, value: nodes.Node, *arguments: nodes.Expr) -> nodes.Filter:
    for argument in arguments:
        argument.lineno = value.lineno
    return nodes.Filter(cast(nodes.Expr, value), name, list(arguments), [], None, None, lineno=value.lineno)


def _cost(node: nodes.Node) -> int:
    """Return what going once through a part of a loop costs, inner loops not counted: they pay for themselves."""
    if isinstance(node, nodes.TemplateData):
        return 1 + len(node.data)
    if isinstance(node, nodes.For):
        return 1
    return 1 + sum(_cost(child) for child in node.iter_child_nodes())
