"""How rules come to a machine and stay: what the program there asks of nftables and systemd."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from soop_components.machines.host.firewall import Firewall
from soop_components.machines.host.on_host import packet_filter
from soop_components.machines.host.on_host.files import RefusedError

OFFICE, TABLE = "198.51.100.0/24", "inet soop_rack_access"


class Played:
    """Programs of a machine: a timer that runs from ``systemd-run`` until it is stopped, and units that are loaded."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.active: set[str] = set()
        self.loads = True
        for name in ("RULES", "ARMED", "LOADER"):
            path = folder / name.lower()
            monkeypatch.setattr(packet_filter, name, str(path))
        monkeypatch.setattr(packet_filter, "UNITS", str(folder))
        monkeypatch.setattr(shutil, "which", lambda name: name)
        monkeypatch.setattr(packet_filter, "replace", lambda path, text, *_: Path(path).write_text(text))
        monkeypatch.setattr(subprocess, "run", self.run)
        self.rules = folder / "rules"

    def run(self, words: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        argv = [*words]
        self.calls.append(" ".join(argv))
        answer, code = "", 0
        if argv[0] == "systemd-run":
            self.active.add("soop-firewall-way-back.timer")
        elif argv[:2] == ["systemctl", "is-active"]:
            answer = "active" if argv[2] in self.active else "inactive"
        elif argv[:2] == ["systemctl", "stop"]:
            self.active -= set(argv[2:])
        elif argv[:2] == ["systemctl", "reload-or-restart"]:
            self.active.add(argv[2])
        elif argv[0] == "/bin/sh":
            code = 0 if self.loads else 1
        elif argv[:2] == ["nft", "list"]:
            answer = "table"
        return subprocess.CompletedProcess(argv, code, answer, "nft: bad rules")


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(tmp_path, monkeypatch)


def test_rules_are_armed_after_their_way_back_and_then_kept(played: Played) -> None:
    assert not packet_filter.state(TABLE, "new")["kept"]
    packet_filter.arm(TABLE, "new", "empty", 60)
    timer = next(number for number, call in enumerate(played.calls) if call.startswith("systemd-run"))
    assert played.calls[timer].endswith(f"/bin/sh {packet_filter.LOADER} {packet_filter.RULES}")
    assert played.calls[timer + 1] == f"/bin/sh {packet_filter.LOADER} {packet_filter.ARMED}"
    assert played.rules.read_text() == "empty"
    packet_filter.keep(TABLE)
    assert played.rules.read_text() == "new"
    assert packet_filter.state(TABLE, "new")["kept"]
    assert not packet_filter.state(TABLE, "newer")["kept"]
    packet_filter.open_up(TABLE)
    assert not packet_filter.state(TABLE, "new")["kept"]
    packet_filter.open_up(TABLE)


def test_rules_that_were_taken_back_meanwhile_are_not_kept(played: Played) -> None:
    packet_filter.arm(TABLE, "new", "empty", 60)
    played.active.clear()
    with pytest.raises(RefusedError, match="no new connection came in time"):
        packet_filter.keep(TABLE)
    assert played.rules.read_text() == "empty"


def test_rules_of_a_domain_that_is_gone_are_no_way_back(played: Played) -> None:
    others = Firewall("inet soop_rack_gone", (OFFICE,), {})
    packet_filter.arm(others.table, others.rules(22), others.empty, 60)
    packet_filter.keep(others.table)
    played.calls.clear()
    ours = Firewall(TABLE, (OFFICE,), {})
    packet_filter.arm(TABLE, ours.rules(22), ours.empty, 60)
    away = [f"systemctl disable --quiet --now {packet_filter.UNIT}", f"nft delete table {others.table}"]
    assert [call for call in played.calls if call in away] == away
    assert played.rules.read_text() == ours.empty
    packet_filter.keep(TABLE)
    assert packet_filter.state(TABLE, ours.rules(22))["kept"]


def test_rules_that_cannot_be_loaded_are_said_in_the_words_of_nft(played: Played) -> None:
    played.loads = False
    with pytest.raises(RefusedError, match="nft: bad rules"):
        packet_filter.arm(TABLE, "new", "empty", 60)


def test_the_addresses_of_the_domain_s_nodes_are_read_from_the_block_of_the_hosts_file(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(
        "127.0.0.1 localhost\n192.0.2.7 printer\n"
        "# soop: begin (nodes of this domain; written by soop, do not edit)\n"
        "10.0.0.2 database-1.access-service.rack-access\n2001:db8::2 web-1.access-service.rack-access\n"
        "rack3.example.com web-2.access-service.rack-access\n# soop: end\n192.0.2.8 scanner\n"
    )
    (tmp_path / "rules").write_text("rules\n")
    script = packet_filter._LOAD.replace("@TABLE@", TABLE).replace("/etc/hosts", str(tmp_path / "hosts"))
    script = script.replace("nft -f -", "cat")
    done = subprocess.run(
        ["sh", "-c", script, "load", str(tmp_path / "rules")], capture_output=True, text=True, check=True
    )
    elements = [f"add element {TABLE} nodes4 {{ 10.0.0.2 }}", f"add element {TABLE} nodes6 {{ 2001:db8::2 }}"]
    assert [line.strip() for line in done.stdout.splitlines()] == ["rules", *elements]
