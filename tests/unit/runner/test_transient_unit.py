"""A unit for a process that is there already; that systemd keeps it is shown on real machines."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from soop_components.runner import transient_unit
from soop_components.runner.commands import Completed, Task
from soop_components.runner.failure import Failure
from tests.unit.runner.node import Node

CLEAN_UP = ["/usr/bin/python3", "-I", "/var/lib/soop/runner/abc", "clean-up", "one"]


class Systemd:
    """Begins a unit by reading its pipe to the end, in a thread."""

    def __init__(self, exit_code: int = 0) -> None:
        self.exit_code = exit_code
        self.argv: list[str] = []
        self.read: list[bytes] = []
        self.reader: threading.Thread | None = None

    def run(self, task: Task) -> Completed:
        self.argv = list(task.argv)
        if self.exit_code == 0:
            self.reader = threading.Thread(target=lambda: self.read.append(Path(self.argv[-1]).read_bytes()))
            self.reader.start()
        return Completed("systemd-run", self.exit_code, "", "no such bus\n" if self.exit_code else "")


@pytest.fixture
def host(node: Node) -> Any:
    host = node.host
    host.prepare()
    host.commands = Systemd()
    return host


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where the unit's control group may be."""
    with open("/proc/1/cgroup", encoding="ascii") as file:
        found = [line.rstrip("\n").split(":", 2) for line in file]
    (root,) = {path.removesuffix("/init.scope") for _, which, path in found if which in ("", "name=systemd")}
    monkeypatch.setattr(transient_unit, "CGROUPS", (str(tmp_path / "nowhere"), str(tmp_path / "groups")))
    return tmp_path / "groups" / root.lstrip("/") / "system.slice" / "soop-apply-one.service"


def enter(host: Any) -> int:
    return transient_unit.enter(host, "soop-apply-one", host.volatile("pipe-one"), CLEAN_UP)


def test_the_process_is_moved_and_its_unit_ends_well_when_it_says_so(host: Any, group: Path) -> None:
    group.mkdir(parents=True)
    held = enter(host)
    assert (group / "cgroup.procs").read_text() == str(os.getpid())
    assert os.listdir(host.volatile()) == [], "the pipe has no name once both ends are open"
    transient_unit.leave(held)
    os.close(held)
    host.commands.reader.join()
    assert host.commands.read == [b"ended\n"]
    argv = host.commands.argv
    assert argv[argv.index("--") + 1 :] == ["/bin/grep", "-qx", "ended", host.volatile("pipe-one")]
    (after,) = (word for word in argv if "ExecStopPost" in word)
    assert "test $SERVICE_RESULT = success || exec " + " ".join(CLEAN_UP) in after


def test_a_systemd_that_refuses_is_a_failure_with_its_words(host: Any) -> None:
    host.commands.exit_code = 1
    with pytest.raises(Failure, match="systemd did not start the apply") as raised:
        enter(host)
    assert (raised.value.failed.command, raised.value.failed.stderr_tail) == ("systemd-run", "no such bus")
    assert os.listdir(host.volatile()) == []


def test_a_unit_that_does_not_begin_is_given_up(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transient_unit, "_PATIENCE", 0.0)
    monkeypatch.setattr(Systemd, "run", lambda self, task: Completed("systemd-run", 0, "", ""))
    with pytest.raises(Failure, match="did not start the apply within"):
        enter(host)
    assert os.listdir(host.volatile()) == []


def test_a_unit_whose_group_is_nowhere_is_a_failure(host: Any, group: Path) -> None:
    with pytest.raises(Failure, match=r"the control group of soop-apply-one\.service is not where"):
        enter(host)
    assert host.commands.reader is not None
    host.commands.reader.join()
