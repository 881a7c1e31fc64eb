"""Figure b: `pulumi up` without changes, against a bare program with as many resources that nothing is behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.report import Comparison
from bench.run import Run
from bench.sample import Contestant, side_by_side
from bench.workspace import COLD, Workspace, bare, examples

DOMAIN = "dev-access"
BARE = "as-many"


def figures(run: Run) -> Iterable[Comparison]:
    """Bring the domain up once, then update it again and again."""
    with examples() as ours, bare() as other:
        build_examples(ours)
        ours.make_stack(DOMAIN)
        run.say(f"bringing {DOMAIN} up")
        ours.up(DOMAIN, "--skip-preview")
        resources = ours.resources(DOMAIN)
        make_bare(other, BARE, *count(resources))
        other.up(BARE, "--skip-preview")
        expect = r"\d+ unchanged"
        cold = ours.with_environment(**COLD)
        contestants = [
            Contestant("soop", lambda: ours.up(DOMAIN, "--skip-preview", expect=expect)),
            Contestant("soop, cold", lambda: cold.up(DOMAIN, "--skip-preview", expect=expect)),
            Contestant("bare Pulumi", lambda: other.up(BARE, "--skip-preview", expect=expect)),
        ]
        run.say("updating without changes")
        mine, cold_one, theirs = side_by_side(contestants, run.rounds(7), run.calm.wait)
        ours.destroy(DOMAIN)
    what = f"`pulumi up` without changes, {len(resources)} resources"
    yield Comparison("b", what, mine, theirs, 1.5, 2.5)
    yield Comparison("b", f"{what}, from cold", cold_one, theirs)


def build_examples(project: Workspace) -> None:
    """Build every service definition of the project."""
    for folder in sorted(project.project.service_defs.iterdir()):
        project.run("soop", "build", f"service_defs/{folder.name}")


def count(resources: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Return how many components and how many custom resources a stack has, without stack and provider."""
    kinds = [each for each in resources if not str(each["type"]).startswith("pulumi:")]
    customs = sum(bool(each.get("custom")) for each in kinds)
    return len(kinds) - customs, customs


def make_bare(project: Workspace, stack: str, components: int, customs: int) -> None:
    """Make a stack of the bare program."""
    project.make_stack(stack)
    for key, value in (("components", components), ("customs", customs)):
        project.run("pulumi", "config", "set", f"bare:{key}", str(value), "--stack", stack)
