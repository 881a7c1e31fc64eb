"""Limits of a machine's control group, on a host that has some of the files."""

from __future__ import annotations

from pathlib import Path

from soop_components.machines.local.root_helper import cgroup

MIB = 1024**2


def test_the_limits_that_the_host_knows_are_set(tmp_path: Path) -> None:
    for name in ("memory.max", "cpu.max"):
        (tmp_path / name).write_text("")
    assert cgroup.limit([tmp_path], 2, 512 * MIB)
    assert (tmp_path / "memory.max").read_text() == str(512 * MIB)
    assert (tmp_path / "cpu.max").read_text() == "200000 100000"
    assert not (tmp_path / "memory.limit_in_bytes").exists()


def test_a_limit_that_the_host_refuses_is_told_and_the_others_are_set(tmp_path: Path) -> None:
    (tmp_path / "memory.limit_in_bytes").mkdir()
    (tmp_path / "cpu.max").write_text("")
    assert not cgroup.limit([tmp_path], 1, 512 * MIB)
    assert (tmp_path / "cpu.max").read_text() == "100000 100000"
