"""Several users of one host who may call the root helper: nobody reaches another's machines with it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soop_components.machines.local import gateway
from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.local_machines import MachineFacts
from soop_components.machines.local.root_helper.request import Attachment
from tests.scenarios.ground import IMAGE, MIB, RUN, Ground, as_root
from tests.scenarios.inside import by_root

WEB = "web-1.access-service.dev-access"
DISK = "database-1.access-service.dev-access"
HELPER = Path(gateway.__file__).parent / "root_helper"
STRANGER = 54321
REALM = "5eed5eed"
"""The realm of the other user."""
KEY = new_host_key()


class Stranger:
    """Another user with a home of their own, who may call the root helper by sudo."""

    def __init__(self, home: Path) -> None:
        self.home = home
        as_root("chown", f"{STRANGER}:{STRANGER}", str(home))

    def call(self, verb: str, realm: str, **fields: Any) -> dict[str, Any]:
        """Call the root helper as sudo does, and return its answer."""
        environment = "env", f"SUDO_UID={STRANGER}", f"SUDO_GID={STRANGER}"
        request = json.dumps({"home": str(self.home), "realm": realm, **fields})
        argv = by_root(*environment, "/usr/bin/python3", "-I", "-B", str(HELPER), verb)
        done = subprocess.run(argv, input=request, capture_output=True, text=True, check=False)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def spec(self, *disks: str) -> dict[str, Any]:
        """Return a machine like the one of the first user."""
        attached = [{"disk": disk, "mount": "/data"} for disk in disks]
        size = {"cpus": 1, "memory": 512 * MIB}
        return {"name": WEB, "image": IMAGE, **size, "authorized_keys": [KEY.public], "disks": attached}


@pytest.fixture
def stranger(ground: Ground) -> Iterator[Stranger]:
    """The other user, on the file system of the checkout, with the same base image."""
    home = ground.home.parent / ".cache" / "stranger" / ".soop"
    as_root("rm", "-rf", "--one-file-system", str(home.parent))
    home.mkdir(mode=0o700, parents=True)
    as_root("cp", "-al", str(ground.home / "images"), str(home / "images"))
    yield Stranger(home)
    as_root("rm", "-rf", "--one-file-system", str(home.parent), str(RUN / REALM))


async def _made(ground: Ground) -> MachineFacts:
    await ground.machines.create_disk(DISK, 64 * MIB)
    return await ground.create(WEB, Attachment(DISK, "/data"))


def test_no_verb_reaches_a_realm_of_somebody_else(ground: Ground, stranger: Stranger) -> None:
    verbs: dict[str, dict[str, Any]] = {
        "create": {"spec": stranger.spec(), "host_key": {"private": KEY.private, "public": KEY.public}},
        "start": {"name": WEB},
        "stop": {"name": WEB},
        "destroy": {"name": WEB},
        "disk-create": {"disk": DISK, "size": 64 * MIB},
        "disk-destroy": {"disk": DISK},
        "sweep": {},
        "clean": {},
    }

    async def scenario() -> None:
        facts = await _made(ground)
        for verb, fields in verbs.items():
            answer = await asyncio.to_thread(stranger.call, verb, ground.realm, **fields)
            assert answer["error"]["message"] == f"the machines of realm {ground.realm} belong to {ground.home}", verb
        assert await ground.look(WEB) == facts
        assert "/data" in await ground.run(facts, "findmnt --noheadings --output TARGET /data")
        assert list(stranger.home.iterdir()) == [stranger.home / "images"]

    asyncio.run(scenario())


def test_a_record_from_before_a_reboot_does_not_lead_to_who_has_its_addresses_now(
    ground: Ground, stranger: Stranger
) -> None:
    """The stranger's machine had the slot and number that another realm's has now."""

    async def scenario() -> None:
        facts = await _made(ground)
        folder = stranger.home / "machines" / REALM / "dev-access" / WEB
        record = next((ground.home / "machines" / ground.realm).glob("*/*/machine.json")).read_text()
        as_root("mkdir", "-p", str(folder))
        as_root("tee", str(folder / "machine.json"), stdin=json.dumps({**json.loads(record), "spec": stranger.spec()}))
        for verb in ("stop", "destroy"):
            assert await asyncio.to_thread(stranger.call, verb, REALM, name=WEB) == {"result": None}, verb
        assert await ground.look(WEB) == facts
        assert await ground.run(facts, "echo here") == "here"
        assert not folder.exists()

    asyncio.run(scenario())


def test_a_users_folders_are_made_as_the_user_and_those_of_machines_and_disks_are_roots(stranger: Stranger) -> None:
    assert stranger.call("disk-create", REALM, disk=DISK, size=64 * MIB)["result"]["size"] == 64 * MIB
    top = stranger.home / "disks"
    owners = [path.stat().st_uid for path in (top, top / REALM, top / REALM / "dev-access")]
    assert owners == [STRANGER] * 3
    folder = top / REALM / "dev-access" / DISK
    assert {folder.stat().st_uid, *(path.stat().st_uid for path in folder.iterdir())} == {0}
    assert stranger.call("clean", REALM) == {"result": None}
    assert list(stranger.home.iterdir()) == [stranger.home / "images"]


@pytest.mark.parametrize("planted", ["image.ext4", ".image.ext4.new", "growing"])
def test_a_link_in_a_disks_folder_is_not_followed(stranger: Stranger, tmp_path: Path, planted: str) -> None:
    """Root's folders may be forged: a machine's root fills one of them, its layer, as it likes."""
    kept = tmp_path / "kept"
    kept.write_bytes(b"data" * 1024)
    folder = stranger.home / "disks" / REALM / "dev-access" / DISK
    as_root("mkdir", "-p", str(folder))
    as_root("ln", "-s", str(kept), str(folder / planted))
    for size in (64 * MIB, 96 * MIB):
        stranger.call("disk-create", REALM, disk=DISK, size=size)
        assert kept.read_bytes() == b"data" * 1024
    assert stranger.call("disk-destroy", REALM, disk=DISK) == {"result": None}
    assert kept.read_bytes() == b"data" * 1024


def test_a_machine_whose_layer_is_a_link_does_not_start(stranger: Stranger, tmp_path: Path) -> None:
    key = {"private": KEY.private, "public": KEY.public}
    assert "result" in stranger.call("create", REALM, spec=stranger.spec(), host_key=key)
    assert stranger.call("stop", REALM, name=WEB) == {"result": None}
    upper = stranger.home / "machines" / REALM / "dev-access" / WEB / "upper"
    as_root("mv", str(upper), f"{upper}.moved")
    as_root("ln", "-s", str(tmp_path), str(upper))
    assert "Not a directory" in stranger.call("start", REALM, name=WEB)["error"]["message"]
    assert list(tmp_path.iterdir()) == []
    assert stranger.call("clean", REALM) == {"result": None}


def test_a_folder_that_the_user_forged_is_no_machine(stranger: Stranger, ground: Ground) -> None:
    folder = stranger.home / "machines" / REALM / "dev-access" / WEB
    as_root("mkdir", "-p", str(folder))
    as_root("chown", "-R", f"{STRANGER}:{STRANGER}", str(stranger.home / "machines"))
    for verb in ("start", "stop", "destroy"):
        assert "does not belong to root" in stranger.call(verb, REALM, name=WEB)["error"]["message"], verb
