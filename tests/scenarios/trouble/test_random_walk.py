"""A random walk over what people and accidents do to a domain; after each step it is what a small model says.

SOOP_SOAK_MINUTES bounds how long new steps begin, 10 unless given.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.scenarios.ground import as_root
from tests.scenarios.trouble.beacon import SERVICE, Beacon
from tests.scenarios.workspace import Workspace, eventually

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
MINUTES = float(os.environ.get("SOOP_SOAK_MINUTES", "10"))
WALKS = settings(
    max_examples=6,  # the first one is as short as can be
    stateful_step_count=20,
    phases=[Phase.generate],  # to find a shorter walk would take hours
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
in_time = precondition(lambda walk: time.monotonic() < walk.end)


class Walk(RuleBasedStateMachine):
    """The domain, and the model of it: which version every one of so many nodes runs, and what it says."""

    beacon: Beacon
    end: float
    taken: ClassVar[Counter[str]] = Counter()
    """How often each step was taken, in all walks."""

    @initialize()
    def begin(self) -> None:
        """Begin where every walk begins."""
        self.version, self.nodes, self.says, self.steps = VERSIONS[0], 1, "walk 0", 0
        self.unseen = time.monotonic() < self.end
        if self.unseen:
            self._define()
            self.beacon.deploy()

    @in_time
    @rule(version=st.sampled_from(VERSIONS))
    def deploy(self, version: str) -> None:
        """Upgrade, downgrade, or deploy the same version with another configuration."""
        self._take("deploy")
        self._change(version=version)
        self._up()

    @in_time
    @rule(nodes=st.integers(1, 3), version=st.sampled_from(VERSIONS))
    def scale(self, nodes: int, version: str) -> None:
        """More nodes or fewer, and perhaps another version in the same run."""
        self._take("scale")
        self._change(version=version, nodes=nodes)
        self._up()

    @in_time
    @rule(version=st.sampled_from(VERSIONS), trouble=st.sampled_from(["script", "health", "smoke", "page"]))
    def deploy_what_is_bad(self, version: str, trouble: str) -> None:
        """It is rolled back: the model stays."""
        self._take("deploy what is bad")
        self.beacon.reference = f"{SERVICE}-{version}"
        self.beacon.define(self.nodes, says="never accepted", trouble=trouble)
        self.beacon.fails(f"{SERVICE}-{version} was not accepted")
        self._define()

    @in_time
    @rule()
    def restart(self) -> None:
        """All programs begin anew."""
        self._take("restart")
        before = self.beacon.since()
        self.beacon.project.must("soop", "restart", SERVICE, self.beacon.domain)
        assert min(self.beacon.since()) > max(before)

    @in_time
    @rule(secret=st.sampled_from([f"{SERVICE}.token", "ssh-key"]))
    def rotate(self, secret: str) -> None:
        """Another secret, or another key."""
        self._take("rotate")
        self.beacon.project.must("soop", "rotate", self.beacon.domain, secret)

    @in_time
    @rule(part=st.integers(0, 60), version=st.sampled_from(VERSIONS), forward=st.booleans())
    def kill_the_deployer(self, part: int, version: str, forward: bool) -> None:
        """Kill the engine at a line of its output; then deploy the same again, or what was there before."""
        self._take("kill the deployer")
        before = (self.version, self.says)
        self._change(version=version)
        run = self.beacon.begin()
        while run.process.poll() is None and run.text.count("\n") < part:
            time.sleep(0.01)
        run.kill()
        eventually(self.beacon.project.is_quiet)
        if not forward:
            self.version, self.says = before
            self._define()
        self.beacon.deploy()

    @in_time
    @rule(data=st.data())
    def kill_a_machine(self, data: st.DataObject) -> None:
        """Its first process ends; the next run starts it again."""
        self._take("kill a machine")
        number = data.draw(st.integers(1, self.nodes))
        as_root("kill", "-KILL", str(self.beacon.machine(number)))
        self._up()

    @in_time
    @rule(data=st.data())
    def replace_a_machine(self, data: st.DataObject) -> None:
        """A new machine has the node's name."""
        self._take("replace a machine")
        name = self.beacon.name(data.draw(st.integers(1, self.nodes)))
        self.beacon.project.must("soop", "replace", "--yes", name)

    @rule()
    def rest(self) -> None:
        """Do nothing, also when no time is left."""

    @invariant()
    def every_node_is_what_the_model_says(self) -> None:
        """Ask all of them, and the engine whether anything is left to change."""
        if not self.unseen:
            return
        answers = self.beacon.says(self.says)
        names = [self.beacon.name(number) for number in range(1, self.nodes + 1)]
        assert [answer["node"] for answer in answers] == names
        assert {answer["version"] for answer in answers} == {self.version}
        assert self.beacon.changes() == {}
        self.unseen = False

    def _take(self, step: str) -> None:
        self.taken[step] += 1
        self.unseen = True

    def _change(self, **model: str | int) -> None:
        self.steps += 1
        vars(self).update(model, says=f"walk {self.steps}")
        self._define()

    def _define(self) -> None:
        self.beacon.reference = f"{SERVICE}-{self.version}"
        self.beacon.define(self.nodes, says=self.says)

    def _up(self) -> None:
        ended = self.beacon.up()
        assert ended.exit_code == 0, ended.text


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 1200)
def test_a_random_walk(project: Workspace, record_property: Callable[[str, object], None]) -> None:
    for version in VERSIONS[1:]:
        project.must("soop", "build", "--version", version, f"service_defs/{SERVICE}")
    Walk.beacon, Walk.end = Beacon(project, "dev-walk"), time.monotonic() + MINUTES * 60
    try:
        run_state_machine_as_test(Walk, settings=WALKS)
    finally:
        record_property("walk", ", ".join(f"{number} x {step}" for step, number in Walk.taken.most_common()))
        Walk.beacon.deploy()  # clears what a walk that ended early has left
        project.must("soop", "destroy", "--yes", Walk.beacon.domain)
