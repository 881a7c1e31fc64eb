"""A computer on which libvirt shall run machines: what is missing is made, or said."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.project import Project
from soop_components.setup import libvirt_host, system_packages

VIRSH = """\
#!/bin/sh
shift 2
echo "$@" >>"$SEEN"
case $1 in
list) test -e "$SEEN.answers" || { echo 'error: failed to connect' >&2; exit 1; } ;;
pool-info) test -e "$SEEN.pool" ;;
esac
"""


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for virsh, and what it was asked; ``.answers`` and ``.pool`` beside it say what there is."""
    program, seen = tmp_path / "bin/virsh", tmp_path / "seen"
    program.parent.mkdir()
    program.write_text(VIRSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("SEEN", str(seen))
    monkeypatch.setattr(libvirt_host, "as_root", list)
    monkeypatch.setattr(system_packages, "ensure", lambda project, needs: None)
    return seen


def test_the_pool_is_made_where_there_is_none(seen: Path, tmp_path: Path) -> None:
    seen.with_suffix(".answers").touch()
    libvirt_host.ensure(Project(tmp_path))
    asked = seen.read_text().splitlines()
    assert "pool-define-as default dir --target /var/lib/libvirt/images" in asked
    assert asked[-2:] == ["pool-start default", "pool-autostart default"]
    seen.unlink()
    seen.with_suffix(".pool").touch()
    libvirt_host.ensure(Project(tmp_path))
    assert seen.read_text().splitlines() == ["list --name", "pool-info default"]


def test_a_daemon_that_does_not_answer_is_named_with_what_to_do(seen: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SoopError, match="libvirt does not answer at qemu:///system: error: failed to connect"
    ) as caught:
        libvirt_host.ensure(Project(tmp_path))
    assert "systemctl enable --now libvirtd" in str(caught.value.hint)
    assert seen.read_text().splitlines() == ["list --name"]
