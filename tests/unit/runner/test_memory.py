"""What was killed for want of memory says so: a step's command, and an apply itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soop_components.runner import memory, transient
from soop_components.runner.commands import Programs, Task
from soop_components.runner.failure import OUT_OF_MEMORY, Failure
from tests.unit.runner.node import Node

GROUPS = {
    "v2": ("0::/system.slice/a.service/.control\n", "groups/system.slice/a.service/memory.events"),
    "v1": ("4:cpu,memory:/a\n0::/\n", "groups/memory/a/memory.oom_control"),
    "none": ("0::/\n", "vmstat"),
}


@pytest.fixture(params=GROUPS)
def kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The counter of our control group, or of the machine; that of the machine is another one."""
    groups, counter = GROUPS[request.param]
    (tmp_path / "own").write_text(groups)
    (tmp_path / "vmstat").write_text("oom_kill 99\n")
    path = tmp_path / counter
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("nr_free 1\noom_kill 3\noom_kill_other 9\n")
    for name, found in (("_OWN_GROUPS", "own"), ("_GROUPS", "groups"), ("_OF_ALL", "vmstat")):
        monkeypatch.setattr(memory, name, str(tmp_path / found))
    return path


def test_the_kernel_counts(kills: Path) -> None:
    assert memory.kills() == 3
    kills.unlink()
    assert memory.kills() == (0 if kills.name == "vmstat" else 99)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo oom_kill 4 > {kills}; kill -9 $$", f"it failed; {OUT_OF_MEMORY}"),
        ("echo oom_kill 4 > {kills}; exit 100", f"it failed; {OUT_OF_MEMORY}"),
        ("kill -9 $$", "it failed; somebody killed it (SIGKILL)"),
        ("exit 100", "it failed"),
    ],
)
def test_a_command_that_was_killed_says_why(kills: Path, script: str, said: str) -> None:
    done = Programs().run(Task(["/bin/sh", "-c", script.format(kills=kills)]))
    assert str(Failure.of_command("scripts", "it failed", done)) == said


@pytest.mark.parametrize("lacked", [True, False])
def test_an_apply_that_was_killed_says_why(node: Node, kills: Path, lacked: bool) -> None:
    host = node.host
    host.prepare()
    at_work = {"id": "one", "pid": 2**22, "started": "0", "oom_kills": 2 if lacked else 3}
    Path(host.volatile("apply.json")).write_text(json.dumps(at_work))
    transient.clean_up(host, "one")
    message = json.loads(Path(host.volatile("events-one.jsonl")).read_text())["message"]
    assert (OUT_OF_MEMORY in message) is lacked
    assert not Path(host.volatile("apply.json")).exists()
