"""How a host is left, with machines that are played."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.machines.host import leaving
from soop_components.machines.host.resource import HostResource
from soop_components.transport.ssh import Target
from tests.unit.machines.host.conftest import CONTEXT, NODE, Machine, Network, created, wanted

THEIRS = {"node": "web-1.access-service.rack-other", "key": "ssh-ed25519 THEIRS"}
NAMESAKE = {"node": NODE, "key": "ssh-ed25519 THEIRS"}
LEFT = ["look", "users_made", "retire 10.0.0.1", "remove_users", "unmount", "leave"]


@pytest.fixture
def made(network: Network, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Make a node on rack1, and return its outputs."""
    outputs = created()
    for machine in network.machines.values():
        machine.asked.clear()
    network.keys.clear()

    async def retire(target: Target, *_: Any) -> None:
        network.machines[target.address].asked.append(f"retire {target.address}")

    monkeypatch.setattr(leaving, "retire", retire)
    return outputs


@pytest.fixture
def host(network: Network) -> Machine:
    return network.machines["10.0.0.1"]


def delete(outputs: dict[str, Any]) -> None:
    asyncio.run(HostResource().delete(CONTEXT, NODE, wanted(), outputs))


def test_what_is_ours_is_taken_off_a_host_before_the_claim(made: dict[str, Any], host: Machine) -> None:
    delete(made)
    assert host.asked == LEFT


def test_a_host_that_somebody_else_has_claimed_meanwhile_is_left_alone(made: dict[str, Any], host: Machine) -> None:
    host.claim = THEIRS
    delete(made)
    assert host.asked == ["look"]


def test_a_host_that_is_gone_is_named_with_what_to_do(made: dict[str, Any], host: Machine) -> None:
    host.is_gone = True
    with pytest.raises(SoopError) as caught:
        delete(made)
    assert caught.value.message == "gone; so nothing is taken off the host"
    assert caught.value.hint == f"when the host is gone for good: pulumi state delete 'urn::soop:index:Host::{NODE}'"


def test_what_was_interrupted_after_the_claim_goes_on(made: dict[str, Any], host: Machine) -> None:
    host.claim = None
    delete(made)
    assert host.asked == LEFT


def test_users_that_could_not_be_removed_are_asked_for_again(made: dict[str, Any], host: Machine) -> None:
    host.refuses["remove_users"] = 1
    with pytest.raises(SoopError, match="remove_users refused"):
        delete(made)
    host.asked[:] = ["remove_users"]
    delete(made)
    assert host.asked[1:] == LEFT


@pytest.mark.parametrize("claim", [None, THEIRS, NAMESAKE])
def test_a_host_that_shuts_the_domain_out_and_is_not_the_node_s_is_left_alone(
    made: dict[str, Any], host: Machine, network: Network, claim: dict[str, str] | None
) -> None:
    host.lets_domain_in, host.claim = False, claim
    delete(made)
    assert (host.asked, network.keys) == (["look"], ["PRIVATE", None])


def test_one_that_is_still_the_node_s_is_opened_again_and_left_in_order(
    made: dict[str, Any], host: Machine, network: Network
) -> None:
    host.lets_domain_in = False
    delete(made)
    assert host.asked == ["look", "authorize", *LEFT[1:]]
    assert network.keys == ["PRIVATE", None, "PRIVATE", "PRIVATE"]


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_machine_that_was_made_for_its_node_is_off_before_it_is_deleted(
    host: Machine, network: Network, monkeypatch: pytest.MonkeyPatch, is_gone: bool
) -> None:
    for_node = {"madeForNode": True, "operatorLogin": False}
    outputs = created(**for_node)
    host.asked.clear()
    host.is_gone = is_gone

    async def await_off(address: str, port: int, seconds: float) -> bool:
        host.asked.append(f"await {address} off")
        return True

    monkeypatch.setattr(leaving, "await_off", await_off)
    asyncio.run(HostResource().delete(CONTEXT, NODE, wanted(**for_node), outputs))
    assert host.asked == ([] if is_gone else ["power_off", "await 10.0.0.1 off"])
