"""Creations of a Host that fail half-way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.machines.host.resource import HostResource
from soop_components.provider.resource import PartialFailure
from soop_components.transport.ssh import OtherHostKey
from tests.unit.machines.host.conftest import CONTEXT, MADE, NODE, Network, created, spec, wanted

DISK: dict[str, Any] = {"disks": [{"mount": "/srv/data", "size": "10GiB"}]}
HOSTS = [{**host, "disks": {"/srv/data": "/dev/sdx"}} for host in spec()["hosts"]]
ITS_DEVICE: dict[str, Any] = {"hosts": HOSTS, **DISK}


def half_created(**more: Any) -> dict[str, Any]:
    """Return what the state keeps of a creation that fails half-way."""
    with pytest.raises(PartialFailure) as caught:
        created(**more)
    assert caught.value.id == NODE
    return caught.value.outputs


def updated(outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return asyncio.run(HostResource().update(CONTEXT, NODE, wanted(**more), outputs, wanted(**more)))


def test_a_made_machine_keeps_its_first_host_key_until_its_disks_are_mounted(network: Network) -> None:
    machine = network.machines["10.0.0.1"]
    machine.refuses["mount"] = 1
    with pytest.raises(SoopError) as caught:
        created(**MADE, **ITS_DEVICE)
    assert not isinstance(caught.value, PartialFailure)
    assert "fresh_host_key" not in machine.asked
    assert created(**MADE, **ITS_DEVICE)["place"]["hostKey"] == "ssh-ed25519 FRESH"


def test_a_fresh_host_key_is_in_the_state_whatever_fails_after_it(network: Network) -> None:
    machine = network.machines["10.0.0.1"]
    machine.refuses["mount"] = 2
    half = half_created(**MADE, **ITS_DEVICE)
    assert half["place"]["hostKey"] == "ssh-ed25519 FRESH"
    assert list(HostResource().diff(wanted(**MADE, **ITS_DEVICE), half, wanted(**MADE, **ITS_DEVICE)).changes) == [
        "ready"
    ]
    whole = updated(half, **MADE, **ITS_DEVICE)
    assert whole == {key: value for key, value in half.items() if key != "ready"}
    assert machine.asked.count("fresh_host_key") == 1


def test_where_a_fresh_host_key_was_lost_it_is_said_how_the_machine_is_made_anew(network: Network) -> None:
    network.machines["10.0.0.1"].shows = "ssh-ed25519 LOST"
    with pytest.raises(SoopError) as caught:
        created(**MADE)
    assert f"pulumi up --replace 'urn::soop:index:Bootstrap::{NODE}'" in (caught.value.hint or "")
    with pytest.raises(OtherHostKey):
        created()


@pytest.mark.parametrize(("verb", "time"), [("authorize", 1), ("claim", 2), ("mount", 1)])
def test_a_claimed_host_is_in_the_state_and_made_ready_by_the_next_update(
    network: Network, verb: str, time: int
) -> None:
    network.machines["10.0.0.1"].refuses[verb] = time
    half = half_created(**ITS_DEVICE)
    assert half["host"] == "rack1"
    assert asyncio.run(HostResource().read(CONTEXT, NODE, wanted(**ITS_DEVICE), half)) == half
    network.keys.clear()
    whole = updated(half, **ITS_DEVICE)
    assert network.keys == [None, "PRIVATE"]
    assert HostResource().diff(wanted(**ITS_DEVICE), whole, wanted(**ITS_DEVICE)).changes == {}


def test_a_host_that_never_became_ready_holds_no_data_of_its_node(network: Network) -> None:
    network.machines["10.0.0.1"].refuses["mount"] = 1
    half, after = half_created(**ITS_DEVICE), wanted(hosts=spec()["hosts"][1:], **DISK)
    assert HostResource().diff(wanted(**ITS_DEVICE), half, after).replaces == ("spec.hosts",)
