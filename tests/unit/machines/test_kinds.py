"""The list of kinds, and what a kind says that cannot do all that another can."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest import mock

import pytest

from soop_components.errors import SoopError
from soop_components.machines import Kind, Operations, Unsupported
from soop_components.machines.kinds import KINDS, all_kinds, kind_of
from soop_components.project import Project
from tests.rented import register

TABLE = Path(__file__).parents[3] / "docs/kinds-of-machines.md"
"""What people are told of each kind."""


def test_every_kind_has_the_name_under_which_it_is_listed() -> None:
    assert [kind.name for kind in all_kinds()] == list(KINDS) == ["local", "ssh", "libvirt", "aws"]


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SoopError, match="kind cloud are not made yet; expected local or ssh or libvirt or aws"):
        kind_of("cloud")


def test_what_a_kind_lacks_is_said_in_a_sentence(tmp_path: Path) -> None:
    with mock.patch.dict(KINDS):
        register()
        rented = kind_of("rented").operations(Project(tmp_path))
    (tmp_path / "rented").mkdir()
    asyncio.run(rented.stop("web-1.access-service.dev-a"))
    with pytest.raises(Unsupported) as caught:
        asyncio.run(rented.snapshot("web-1.access-service.dev-a", "before", "", ""))
    assert caught.value.message == "machines of the kind rented have no snapshots of disks"


def test_a_kind_says_truly_whether_it_has_snapshots(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: soop\n")
    with mock.patch.dict(KINDS):
        register()
        for kind in all_kinds():
            operations = type(kind.operations(Project(tmp_path)))
            for name in ("snapshot", "restore", "snapshots", "remove_snapshot", "snapshot_size"):
                assert (getattr(operations, name) is not getattr(Operations, name)) == kind.has_snapshots


def test_the_table_of_kinds_says_what_each_declares() -> None:
    rows = [line.strip("|").split("|") for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    _, *names = (cell.strip(" `") for cell in rows[0])
    assert names == list(KINDS)
    said = {row[0].strip(): dict(zip(names, map(str.strip, row[1:]), strict=True)) for row in rows[1:]}
    declared = {
        "it is deleted": lambda kind: not kind.disks_stay,
        "snapshots of disks": lambda kind: kind.has_snapshots,
        "nodes of a role are spread": lambda kind: "reliability.spread" in kind.enforces,
        "capacity counts what runs without a definition": lambda kind: type(kind).existing is not Kind.existing,
        "nodes of another domain are let in (`soop:accessibility`)": lambda kind: (
            type(kind).admission_problem is not Kind.admission_problem
        ),
        "public endpoints": lambda kind: "accessibility.public" in kind.enforces,
    }
    for subject, answer in declared.items():
        for name, text in said[subject].items():
            assert (text not in ("no", "never", "refused")) == answer(kind_of(name)), f"{subject}: {name}: {text}"
