"""The tests themselves are killed in the middle: the next run of them cleans up, and leaves those that live alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.trouble.beacon import Beacon
from tests.scenarios.trouble.realm import Realm
from tests.scenarios.workspace import CHECKOUT, Workspace, sweep

VICTIM = """
import subprocess, sys, time
from tests.scenarios.trouble.beacon import Beacon, furnish
from tests.scenarios.workspace import workspace

with workspace("victim") as project:
    print(project.root, flush=True)
    furnish(project)
    beacon = Beacon(project, "dev-victim")
    beacon.define(1)
    project.must("pulumi", "stack", "init", beacon.domain)
    beacon.begin().until("waiting for http")
    print("at work", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def victim() -> Iterator[Path]:
    """The folder of a scenario that was killed while its engine configured a machine."""
    process = subprocess.Popen(
        [sys.executable, "-c", VICTIM], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    root = Path(process.stdout.readline().strip())
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    yield root
    sweep()


def test_the_next_run_removes_what_is_left(victim: Path, domains: tuple[Beacon, Beacon]) -> None:
    left = Realm(Workspace(victim))
    assert any(trace.startswith("process") for trace in left.traces())
    assert any(trace.startswith("mount") for trace in left.traces())
    alive = [beacon.since() for beacon in domains]
    sweep()
    assert left.traces() == set()
    assert not victim.exists()
    assert [beacon.since() for beacon in domains] == alive
