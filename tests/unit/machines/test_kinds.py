"""The list of kinds, and what a kind says that cannot do all that another can."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest import mock

import pytest

from soop_components.errors import SoopError
from soop_components.machines import Operations, Unsupported
from soop_components.machines.kinds import KINDS, all_kinds, kind_of
from soop_components.project import Project
from tests.rented import register


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
