"""Requests come through sudo from less trusted hands: whatever is not exactly right is refused."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.root_helper import request
from soop_components.machines.local.root_helper.failure import Refused

KEY = new_host_key()


def spec(**changes: Any) -> dict[str, Any]:
    return {
        "name": "database-1.access-service.dev-access",
        "image": "debian-12",
        "cpus": 1,
        "memory": 512 * 1024**2,
        "authorized_keys": [f"{KEY.public} dev-access"],
        "disks": [{"disk": "database-1.access-service.dev-access", "mount": "/var/lib/postgresql"}],
        "inbound": [{"port": 5432, "domains": ["dev-one-access"]}],
        **changes,
    }


def test_a_machine_as_it_should_be_is_read_and_written_back() -> None:
    read = request.spec(spec())
    assert read.environment == "dev"
    assert read.as_json() == spec()


def test_a_machine_of_an_older_version_lets_nobody_in() -> None:
    older = spec()
    del older["inbound"]
    assert request.spec(older).inbound == ()


@pytest.mark.parametrize(
    "inbound",
    [
        {"port": 0, "domains": []},
        {"port": "80", "domains": []},
        {"port": 80, "domains": ["dev"]},
        {"port": 80, "domains": ["dev-one }\n accept"]},
        {"port": 80},
    ],
)
def test_who_may_connect_is_checked(inbound: object) -> None:
    with pytest.raises(Refused):
        request.spec(spec(inbound=[inbound]))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "web-1",
        "web-1.access-service",
        "web-1.access-service.dev",
        "web-1.access-service.dev-access\n",
        "../web-1.access-service.dev-access",
        "web-1/../..access-service.dev-access",
        "web-1..dev-access",
        ".web-1.dev-access",
        "web 1.access-service.dev-access",
        "--directory=.access-service.dev-access",
        "web-1.access-service.dev-access;reboot",
        "web-1.access-service.dev-äccess",
        "w" * 200 + ".dev-access",
        None,
        7,
        ["web-1.access-service.dev-access"],
    ],
)
def test_names_that_are_no_names(name: object) -> None:
    with pytest.raises(Refused):
        request.name(name)


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "../debian-12"},
        {"image": "debian-12/../../etc"},
        {"image": ".."},
        {"cpus": 0},
        {"cpus": True},
        {"cpus": "1"},
        {"memory": 1},
        {"memory": 1e9},
        {"authorized_keys": "ssh-ed25519 AAAA"},
        {"authorized_keys": [f'command="reboot" {KEY.public}']},
        {"authorized_keys": [f"{KEY.public}\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIother"]},
        {"authorized_keys": [KEY.public] * 65},
        {"disks": [{"disk": "database-1.access-service.dev-access", "mount": "/etc"}]},
        {"disks": [{"disk": "database-1.access-service.dev-access", "mount": "/usr/local"}]},
        {"disks": [{"disk": "database-1.access-service.dev-access", "mount": "/"}]},
        {"disks": [{"disk": "database-1.access-service.dev-access", "mount": "/var/../etc"}]},
        {"disks": [{"disk": "database-1.access-service.dev-access", "mount": "/var/lib:ro"}]},
        {"disks": [{"disk": "database-1.access-service.dev-access", "mount": "var/lib"}]},
        {"disks": [{"disk": "database-1.access-service.prod-access", "mount": "/data"}]},
        {"disks": [{"disk": "database-1.access-service.dev-access", "mount": "/data", "source": "/dev/sda"}]},
        {
            "disks": [
                {"disk": "database-1.access-service.dev-access", "mount": "/data"},
                {"disk": "database-2.access-service.dev-access", "mount": "/data"},
            ]
        },
        {"privileged": True},
    ],
)
def test_machines_that_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        request.spec(spec(**changes))


def test_a_missing_key_is_refused() -> None:
    incomplete = spec()
    del incomplete["memory"]
    with pytest.raises(Refused, match="expected an object with"):
        request.spec(incomplete)


def test_a_host_key_is_a_key_pair() -> None:
    given = {"private": KEY.private, "public": KEY.public}
    assert request.host_key(given).public == KEY.public
    with pytest.raises(Refused) as refusal:
        request.host_key({**given, "private": KEY.private + "\nPermitRootLogin yes\n"})
    assert "PermitRootLogin" not in refusal.value.message


@pytest.mark.parametrize("realm", ["", "0123abc", "0123abcdef", "../../..", "0123ABCD", "0123abcd\n"])
def test_realms_that_are_no_realms(realm: str) -> None:
    with pytest.raises(Refused):
        request.text(realm, request.REALM, "realm")


@pytest.mark.parametrize("size", [0, -1, 2**60, "10GiB", None])
def test_sizes_that_no_disk_has(size: object) -> None:
    with pytest.raises(Refused):
        request.disk_size(size)
