"""Records are read back from files that somebody may have changed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.root_helper import request
from soop_components.machines.local.root_helper.folders import Realm
from soop_components.machines.local.root_helper.record import Damaged, Record, records
from soop_components.machines.local.root_helper.verbs import status

NAME = "web-1.access-service.dev-access"
SPEC = request.Spec(NAME, "debian-12", 1, 2**29, (), ())
RECORD = Record(SPEC, f"sha256:{'0' * 64}", new_host_key().public, 5, 17)


@pytest.fixture
def realm(tmp_path: Path) -> Realm:
    home = Path(os.path.realpath(tmp_path)) / ".soop"
    home.mkdir(mode=0o700)
    return Realm(home, "0123abcd", os.getuid())


def save(realm: Realm, **changes: Any) -> None:
    folder = realm.machine(NAME)
    folder.mkdir(parents=True, exist_ok=True)
    RECORD.save(realm)
    path = folder / "machine.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_record_is_read_back(realm: Realm) -> None:
    assert Record.load(realm, NAME) is None
    save(realm)
    assert Record.load(realm, NAME) == RECORD
    assert records(realm, "dev") == [RECORD]
    assert records(realm, "test") == []
    assert (RECORD.id, RECORD.address) == ("005-011", "10.64.20.17")


@pytest.mark.parametrize(
    "changes",
    [
        {"slot": -1},
        {"number": 1},
        {"number": "17"},
        {"slot": 6},
        {"address": "192.0.2.1"},
        {"image_digest": "latest"},
        {"host_key": "none"},
        {"spec": {**SPEC.as_json(), "name": "web-2.access-service.dev-access"}},
        {"root": "/"},
    ],
)
def test_records_that_do_not_fit(realm: Realm, changes: dict[str, Any]) -> None:
    save(realm, **changes)
    with pytest.raises(Damaged, match=rf"the record of {NAME} is damaged: .*/machine\.json"):
        Record.load(realm, NAME)
    assert records(realm, "dev") == []


@pytest.mark.parametrize("text", ["", "[]", '{"spec": 7}', "\0\0"])
def test_records_that_are_damaged(realm: Realm, text: str) -> None:
    save(realm)
    (realm.machine(NAME) / "machine.json").write_text(text)
    with pytest.raises(Damaged):
        Record.load(realm, NAME)
    assert status(realm, [NAME, NAME.replace("1", "2")])[NAME]["damaged"]


def test_a_folder_without_record_is_no_machine(realm: Realm) -> None:
    realm.machine(NAME).mkdir(parents=True)
    assert records(realm, "dev") == []
