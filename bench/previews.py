"""Figure d: the first preview of many nodes, against a bare program with as many resources: time, memory and growth."""

from __future__ import annotations

from collections.abc import Iterable

from bench.report import Comparison
from bench.run import Run
from bench.sample import Contestant, Series, side_by_side
from bench.unchanged import make_bare
from bench.workspace import COLD, Workspace, bare, small

FEW, SOME, MANY = 100, 550, 1000


def figures(run: Run) -> Iterable[Comparison]:
    """Preview domains that were never created; nothing is made."""
    with small() as project, bare() as other:
        ours = project.with_environment(**COLD)  # all that a preview starts ends with it, and is counted
        found = {nodes: _previews(run, ours, other, nodes) for nodes in (FEW, SOME, MANY)}
    for nodes in (FEW, MANY):
        mine, theirs = found[nodes]
        yield Comparison("d", f"preview of {nodes:,} new nodes", mine, theirs, 1.5)
        yield Comparison("d", f"memory of that, {nodes:,} nodes", mine, theirs, 1.5, kind="memory")
    few, some, many = (found[nodes][0] for nodes in (FEW, SOME, MANY))
    first, second = _growth(f"from {FEW} to {SOME}", few, some), _growth("soop", some, many)
    yield Comparison("d", f"growth from {SOME} to {MANY:,} nodes", second, first, 1.2)


def _growth(name: str, less: Series, more: Series) -> Series:
    """Return how much longer more nodes take; where growth is linear, as many more take as much longer again."""
    return Series(name, (more.typical_seconds - less.typical_seconds,), ())


def _previews(run: Run, ours: Workspace, other: Workspace, nodes: int) -> list[Series]:
    domain, stack = f"bench-n{nodes}", f"nodes-{nodes}"
    ours.define(domain, "small-service-1.0.0", {"web": nodes}, {})
    ours.make_stack(domain)
    make_bare(other, stack, nodes + 2, nodes + 2)
    run.say(f"previewing {nodes:,} nodes")
    shown = 2 * (nodes + 2) + 1  # with the stack; a provider is counted only where a program declares it, as ours does
    contestants = [
        Contestant("soop", lambda: ours.preview(domain, expect=rf"[+] {shown + 1} to create", memory=True)),
        Contestant("bare Pulumi", lambda: other.preview(stack, expect=rf"[+] {shown} to create", memory=True)),
    ]
    return side_by_side(contestants, run.rounds(5 if nodes == FEW else 3), run.calm.wait)
