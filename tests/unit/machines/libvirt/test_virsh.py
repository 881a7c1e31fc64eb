"""libvirt, asked by virsh."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.machines.libvirt.virsh import Virsh, connection_uri


def test_the_files_of_remote_hosts_are_named_as_virsh_names_them() -> None:
    assert connection_uri("qemu:///system") == "qemu:///system"
    uri = "qemu+ssh://ops@host.example/system?keyfile=/keys/ops&knownhosts=/keys/known"
    assert connection_uri(uri) == "qemu+libssh://ops@host.example/system?keyfile=/keys/ops&known_hosts=/keys/known"


def test_what_libvirt_refuses_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    virsh = tmp_path / "virsh"
    virsh.write_text("#!/bin/sh\necho 'error: Domain not found:' >&2; echo \"$3 $4\" >&2; exit 1\n")
    virsh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    asked = Virsh("qemu:///system")
    with pytest.raises(SoopError, match="virsh start failed: Domain not found: qemu:///system start"):
        asyncio.run(asked("start", "web-1"))
    assert not asyncio.run(asked.succeeds("start", "web-1"))


def test_without_virsh_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SoopError) as caught:
        asyncio.run(Virsh("qemu:///system")("list"))
    assert caught.value.hint == "install Debian's package libvirt-clients on this computer"
