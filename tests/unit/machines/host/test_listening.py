"""Ports of a machine at which somebody else listens, told before it is claimed."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.machines.host.on_host import listening

_HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
_SOCKET = "   0: 00000000:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 4321 1 0 0\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nginx listens on port 8080."""
    (tmp_path / "net").mkdir()
    (tmp_path / "77/fd").mkdir(parents=True)
    (tmp_path / "77/fd/3").symlink_to("socket:[4321]")
    (tmp_path / "77/comm").write_text("nginx\n")
    monkeypatch.setattr(listening, "PROC", str(tmp_path))
    monkeypatch.setattr(listening, "RUNNING", str(tmp_path / "running.json"))
    listens(tmp_path, "0A")
    return tmp_path


def listens(machine: Path, state: str) -> None:
    (machine / "net/tcp").write_text(_HEADER + _SOCKET.format(state=state))


def test_a_port_that_somebody_else_uses_is_named_with_who_it_is(machine: Path) -> None:
    assert listening.in_use([22, 8080]) == {"8080": "nginx (process 77)"}
    (machine / "77/comm").unlink()
    assert listening.in_use([22, 8080]) == {"8080": "another program"}


def test_a_connection_from_that_port_is_no_conflict(machine: Path) -> None:
    listens(machine, "01")
    assert listening.in_use([8080]) == {}


def test_another_port_is_no_conflict(machine: Path) -> None:
    assert listening.in_use([80, 8081]) == {}


def test_what_listens_once_something_of_ours_is_there_may_be_ours(machine: Path) -> None:
    (machine / "running.json").write_text("{}")
    assert listening.in_use([8080]) == {}
