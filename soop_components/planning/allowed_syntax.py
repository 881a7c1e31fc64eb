"""What a template may do: a small part of Jinja2, in which what could grow or repeat pays for its work.

A template comes out of an artifact and is rendered where Pulumi runs, so it is not trusted: only the statements and
expressions listed here are accepted.
"""

from __future__ import annotations

import math
import re
from typing import cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from soop_components.planning.guard import Refused

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
_HALF = re.compile("[\ud800-\udfff]")
_INSTEAD: dict[type[nodes.Node], str] = {
    nodes.Call: "functions and methods cannot be called (only range); use filters: {% for key, value in x | items %}",
    nodes.Slice: "slices are not part of templates here",
    nodes.Pow: "powers are not part of templates here",
    nodes.Div: "use // to divide",
}


def accept(template: nodes.Template) -> int:
    """Refuse what a template may not do, and return of how many nodes it is made."""
    return _check(template, 0)


def counted(template: nodes.Template) -> nodes.Template:
    """Return a template that was accepted with its work counted."""
    return cast(nodes.Template, _Counting().visit(template))


def _check(node: nodes.Node, depth: int) -> int:
    if depth > DEPTH:
        raise Refused("the template is nested too deeply", node.lineno)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range":
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise Refused("range takes one to three numbers", node.lineno)
    elif not isinstance(node, _ALLOWED):
        reason = _INSTEAD.get(type(node), f"{type(node).__name__.lower()} is not part of templates here")
        raise Refused(reason, node.lineno)
    problem = _problem(node)
    if problem is not None:
        raise Refused(problem, node.lineno)
    return 1 + sum(_check(child, depth + 1) for child in node.iter_child_nodes())


def _problem(node: nodes.Node) -> str | None:
    """Say what is wrong with a node of a kind that is allowed."""
    if isinstance(node, nodes.For) and node.recursive:
        return "recursive loops are not part of templates here"
    if isinstance(node, nodes.For) and not all(isinstance(name, nodes.Name) for name in _targets(node)):
        return "a loop gives values to names: {% for key, value in … %}"
    if isinstance(node, nodes.Filter | nodes.Test) and (node.dyn_args or node.dyn_kwargs):
        return "unpacked arguments are not part of templates here"
    if isinstance(node, nodes.Filter) and node.node is None:
        return "filter blocks are not part of templates here"
    if isinstance(node, nodes.Filter) and node.name.startswith("_"):
        return f"No filter named {node.name!r}."
    if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
        return "set gives a value to one name"
    if isinstance(node, nodes.Name) and node.name == "self":
        return "self is not part of templates here"
    return _const_problem(node.value) if isinstance(node, nodes.Const) else None


def _const_problem(value: object) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "a number is too large"
    if isinstance(value, str) and not value.isascii() and _HALF.search(value):
        return "a text has half of a character in it (\\ud800 to \\udfff)"
    return None


def _targets(loop: nodes.For) -> list[nodes.Expr]:
    """Return the names that a loop gives values to."""
    return loop.target.items if isinstance(loop.target, nodes.Tuple) else [cast(nodes.Expr, loop.target)]


class _Counting(NodeTransformer):
    """Puts the counting filters where work is done."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        cost = sum(_cost(child) for child in [*node.body, *([node.test] if node.test else [])])
        self.generic_visit(node)
        names = len(_targets(node)) if isinstance(node.target, nodes.Tuple) else None
        node.iter = _filter("_each", node.iter, nodes.Const(cost), nodes.Const(names))
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        values = nodes.List([node.expr, *(operand.expr for operand in node.ops)], lineno=node.lineno)
        return _filter("_compare", values, nodes.Const(tuple(operand.op for operand in node.ops)))

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
