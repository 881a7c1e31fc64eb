"""Ground for scenarios on real machines: realms of their own in this checkout, swept before and removed afterwards."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Iterator

import pytest

from tests.scenarios.ground import Ground
from tests.scenarios.workspace import sweep


@pytest.fixture(scope="session", autouse=True)
def _no_remains() -> None:
    """Remove what a killed run of the tests left behind, before the first scenario."""
    sweep()


@pytest.fixture
def ground() -> Iterator[Ground]:
    """A realm for one scenario; a killed run's remains are removed first."""
    yield from _made("one")


@pytest.fixture
def other_ground() -> Iterator[Ground]:
    """A second realm beside the first, as another checkout would have."""
    yield from _made("other")


def _made(label: str) -> Iterator[Ground]:
    made = Ground(label)
    with (made.home / f"scenario-{label}.lock").open("w") as lock:
        # Another run of the tests in this checkout has the same realms.
        fcntl.flock(lock, fcntl.LOCK_EX)
        asyncio.run(made.machines.clean())
        yield made
        asyncio.run(made.machines.clean())
        assert made.traces() == set()
