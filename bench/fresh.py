"""Figure a: a new domain by `pulumi up`, against a script that does the same by hand."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable

import soop_components.machines.local as local
from bench.fresh_files import lay_out
from bench.report import Comparison
from bench.run import Run
from bench.sample import Contestant, Sample, side_by_side
from bench.unchanged import DOMAIN, build_examples
from bench.workspace import HERE, Workspace, examples
from soop_components.machines.local.local_machines import LocalMachines

_HELPER = next(iter(local.__path__)) + "/root_helper"


def figures(run: Run) -> Iterable[Comparison]:
    """Bring the domain up and take it down again, in turn by both ways."""
    with examples() as ours, examples() as theirs:
        run.say("building the artifacts")
        for each in (ours, theirs):
            build_examples(each)
        ours.make_stack(DOMAIN)
        run.say(f"bringing {DOMAIN} up, again and again")
        contestants = [
            Contestant("soop", lambda: _up(ours), lambda: ours.destroy(DOMAIN)),
            Contestant("by_hand.sh", lambda: _by_hand(theirs), lambda: _prepare(theirs)),
        ]
        mine, other = side_by_side(contestants, run.rounds(5), run.calm.wait)
    yield Comparison("a", f"a new {DOMAIN}", mine, other, 1.3, 1.6)


def _up(project: Workspace) -> Sample:
    return project.up(DOMAIN, "--skip-preview", expect=r"\d+ created")


def _prepare(project: Workspace) -> None:
    asyncio.run(LocalMachines(project.project).clean())
    folder = project.root / "by-hand"
    shutil.rmtree(folder, ignore_errors=True)
    lay_out(project, DOMAIN, folder)


def _by_hand(project: Workspace) -> Sample:
    folder, home, realm = project.root / "by-hand", project.project.home, project.project.realm
    return project.run(HERE / "by_hand.sh", folder, _HELPER, home, realm, expect="answers")
