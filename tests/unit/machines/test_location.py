"""A machine or disk that the state says is elsewhere is not taken for gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.machines.local import location
from soop_components.machines.local.location import location_of, refuse_elsewhere
from soop_components.machines.local.root_helper.folders import Realm

NAME = "database-1.access-service.dev-access"
FORGET = "if it is gone for good: pulumi stack rm --force --preserve-config dev-access"


def realm(root: Path, name: str) -> Realm:
    made = Realm(root / ".soop", name)
    made.home.mkdir(parents=True, mode=0o700)
    return made


@pytest.fixture
def first(tmp_path: Path) -> Realm:
    """The clone that made a disk."""
    made = realm(tmp_path / "first", "00000001")
    made.disk(NAME).mkdir(parents=True)
    return made


@pytest.fixture
def second(tmp_path: Path) -> Realm:
    return realm(tmp_path / "second", "00000002")


def test_a_second_clone_is_sent_to_the_first(first: Realm, second: Realm) -> None:
    message = f"{NAME} was made in {first.home.parent} and is there, not in {second.home.parent}"
    with pytest.raises(SoopError, match=message) as refused:
        refuse_elsewhere(NAME, location_of(first), second, Realm.disk)
    assert refused.value.hint == f"deploy from there; {FORGET}"


def test_another_host_is_named_also_when_its_clone_has_the_same_path(first: Realm, tmp_path: Path) -> None:
    there = {**location_of(first), "host": "alpha", "hostId": "0" * 16}
    with pytest.raises(SoopError, match=f"{NAME} is on host alpha, made in {tmp_path}/first") as refused:
        refuse_elsewhere(NAME, there, first, Realm.disk)
    assert refused.value.hint == f"deploy from there; {FORGET}"


def test_a_clone_that_was_moved_is_to_be_moved_back(first: Realm, tmp_path: Path) -> None:
    made_in = location_of(first)
    first.home.parent.rename(tmp_path / "renamed")
    with pytest.raises(SoopError, match=f"was made here when this folder was {tmp_path}/first") as refused:
        refuse_elsewhere(NAME, made_in, Realm(tmp_path / "renamed" / ".soop", "00000003"), Realm.disk)
    assert refused.value.hint == f"move it back to {tmp_path}/first"


def test_what_somebody_else_does_not_let_us_see_may_be_there(
    first: Realm, second: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(location.os, "stat", forbidden)
    with pytest.raises(SoopError, match="and is there"):
        refuse_elsewhere(NAME, location_of(first), second, Realm.disk)


def test_what_its_own_clone_has_lost_is_gone(first: Realm, second: Realm) -> None:
    refuse_elsewhere(NAME, location_of(second), second, Realm.disk)
    first.disk(NAME).rmdir()
    refuse_elsewhere(NAME, location_of(first), second, Realm.disk)
    first.disks.parent.parent.rename(first.home.parent / "removed")
    refuse_elsewhere(NAME, location_of(first), second, Realm.disk)


@pytest.mark.parametrize("older", [None, {}])
def test_what_an_older_version_made_has_no_location(second: Realm, older: dict[str, str] | None) -> None:
    refuse_elsewhere(NAME, older, second, Realm.disk)
