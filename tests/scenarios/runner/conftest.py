"""One machine for all scenarios of the runner; each finds it as if nothing had ever been applied."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.scenarios.ground import Ground
from tests.scenarios.runner.node import RunnerNode
from tests.scenarios.runner.service import BLOB, web


@pytest.fixture(scope="session")
def runner_ground() -> Iterator[Ground]:
    """A realm for these scenarios, beside those of others."""
    made = Ground("runner")
    asyncio.run(made.machines.clean())
    yield made
    asyncio.run(made.machines.clean())


@pytest.fixture(scope="session")
def machine(runner_ground: Ground) -> RunnerNode:
    """The machine, made once."""
    made = RunnerNode(runner_ground.machines)
    made.make()
    return made


@pytest.fixture
def node(machine: RunnerNode) -> Iterator[RunnerNode]:
    """A machine on which nothing was ever applied; it must be possible to clear it afterwards."""
    yield machine
    machine.clear()


@pytest.fixture
def serving(node: RunnerNode) -> RunnerNode:
    """A node that runs its accepted version 1.0.0."""
    node.send(BLOB)
    node.accept(web())
    return node
