"""Which daemons of packages count as interpreted, and which packages they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.runner import interpreted, processes
from soop_components.runner.commands import Completed, Task
from soop_components.runner.host import Host
from soop_components.runner.touched import Touched, What

INSTALLED = """\
ii \ttalker\t1.0\t\tpython3:any, middle (>= 1) | other\t\t\t
ii \tmiddle\t1.0\tlow\twords-api\t\t\t
ii \twords\t1.0\t\t\twords-api (= 1)\t\t
ii \tlow\t1.0\t\t\t\t\t
ii \tunrelated\t1.0\t\ttalker\t\t\t
rc \tgone\t1.0\t\t\twords-api\t\t
"""


class Dpkg:
    """Plays dpkg-query."""

    def run(self, task: Task) -> Completed:
        if "--show" in task.argv:
            return Completed("", 0, INSTALLED, "")
        assert "/lib/systemd/system/talker.service" in task.argv, "as dpkg may know it"
        diverted = "diversion by dash from: /lib/x\nlocal diversion to: /lib/y\n"
        return Completed("", 1, f"{diverted}talker:all: /lib/systemd/system/talker.service\n", "no path found")


@pytest.mark.parametrize(
    ("program", "package", "what", "expected"),
    [
        ("/usr/bin/python3.11", "talker", "installed", True),
        ("/usr/bin/perl", "low", "installed", True),
        ("/usr/lib/erlang/bin/beam.smp", "words", "removed", True),
        ("/usr/bin/python3.11", "python3", "installed", True),
        ("/usr/bin/dash", "words", "triggered", False),
        ("/usr/bin/python3.11", "unrelated", "installed", False),
        ("/usr/bin/python3.11", "gone", "installed", False),
        ("/usr/sbin/nginx", "words", "installed", False),
        ("/usr/bin/pythonic", "words", "installed", False),
        ("", "words", "installed", False),
    ],
)
def test_what_is_interpreted_and_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, package: str, what: What, expected: bool
) -> None:
    monkeypatch.setattr(processes, "program", lambda pid: program)
    changed = [Touched("path", "/etc/x"), Touched(what, package)]
    host = Host(str(tmp_path), Dpkg())
    found = interpreted.uses(host, ["/usr/lib/systemd/system/talker.service"], ["1"], changed)
    assert found == expected
