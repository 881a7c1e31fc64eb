"""Copies of disks, where libvirt does not say what is expected; the scenario asks a real one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.machines.libvirt import operations
from soop_components.machines.libvirt.operations import LibvirtOperations
from soop_components.project import Project

NODE = "database-1.note-service.room-a"
SAYS = """\
#!/bin/sh
shift 3
echo "$*" >>"$0.asked"
case "$*" in
domblklist*) echo "vdb /pool/database-1.note-service.room-a-data" ;;
domstate*) echo running ;;
vol-pool*) echo pool ;;
vol-info*) echo "Capacity: 4096 bytes" ;;
vol-path*.json | backup-dumpxml*) exit 1 ;;
vol-path*) echo /pool/copy ;;
"domjobinfo $NODE --completed") rm -f "$0.ended" ;;
domjobinfo*) cat "$0.ended" 2>/dev/null || echo "Job type: None" ;;
esac
"""


def test_a_host_that_says_nothing_is_not_waited_for_to_know_how_a_machine_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "virsh").write_text("#!/bin/sh\nexec sleep 3600\n")
    (tmp_path / "virsh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(operations, "_LOOKING", 0.2)
    with pytest.raises(SoopError, match="virsh domstate has not ended after"):
        asyncio.run(LibvirtOperations(Project(tmp_path)).is_off(NODE))


def test_how_an_earlier_copy_ended_says_nothing_of_one_that_libvirt_does_not_tell_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    virsh = tmp_path / "virsh"
    virsh.write_text(SAYS)
    virsh.chmod(0o755)
    (tmp_path / "virsh.ended").write_text("Job type: Completed\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("NODE", NODE)
    copying = LibvirtOperations(Project(tmp_path)).snapshot(NODE, "note-1.0.0.before-1.1.0", "note-1.0.0", "")
    with pytest.raises(SoopError, match="its disk was not copied"):
        asyncio.run(copying)
    asked = (tmp_path / "virsh.asked").read_text()
    assert f"backup-begin {NODE}" in asked
    assert "vol-upload" not in asked, "there is no record of a copy that may not be whole"
