"""Whether libvirt's host has memory for machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.machines.libvirt import room
from soop_components.machines.libvirt.room import room_problem

GIB = 1 << 30
SAYS = """\
#!/bin/sh
case "$*" in
*"list --all --name") echo web-1; echo;;
*nodememstats) printf 'total  :  4194304 KiB\\nfree   :  1048576 KiB\\nbuffers:  524288 KiB\\ncached :  524288 KiB\\n';;
*) echo "error: what is $*" >&2; exit 1;;
esac
"""


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a ``virsh`` answer that is a script."""
    virsh = tmp_path / "virsh"
    virsh.write_text(SAYS)
    virsh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_machines_that_are_there_have_theirs() -> None:
    assert room_problem("qemu:///system", {"web-1": 9 * GIB, "web-2": 2 * GIB}) is None


def test_new_ones_need_what_is_free_or_can_be_freed() -> None:
    assert room_problem("qemu:///system", {"web-2": GIB, "web-3": 2 * GIB}) == (
        "libvirt's host has 2GiB of memory available, and the 2 new machines need 3GiB"
    )


@pytest.mark.parametrize("command", ["exit 1", "exec sleep 3600"])
def test_where_nobody_answers_nothing_is_refused(programs: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(room, "_PATIENCE", 0.2)
    (programs / "virsh").write_text(f"#!/bin/sh\n{command}\n")
    assert room_problem("qemu:///system", {"web-2": 9 * GIB}) is None
