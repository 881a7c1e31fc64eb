"""How a host is left, with machines that are played."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.machines.host import leaving
from soop_components.machines.host.resource import HostResource
from soop_components.transport.ssh import Target
from tests.unit.machines.host.conftest import CONTEXT, NODE, Network, created, wanted


def deleted(network: Network, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Delete the node on rack1, and return what was asked of the host."""
    made = created()
    host = network.machines["10.0.0.1"]
    host.asked.clear()
    host.is_gone = host.is_gone_when_left
    if host.loses_claim_to:
        host.claim = {"node": host.loses_claim_to, "key": "ssh-ed25519 THEIRS"}

    async def retire(target: Target, *_: Any) -> None:
        host.asked.append(f"retire {target.address}")

    monkeypatch.setattr(leaving, "retire", retire)
    asyncio.run(HostResource().delete(CONTEXT, NODE, wanted(), made))
    return host.asked


def test_what_is_ours_is_taken_off_a_host_before_the_claim(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deleted(network, monkeypatch) == [
        *("look", "users_made", "retire 10.0.0.1"),
        *("remove_users", "unmount", "leave"),
    ]


def test_a_host_that_somebody_else_has_claimed_meanwhile_is_left_alone(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.machines["10.0.0.1"].loses_claim_to = "web-1.access-service.rack-other"
    assert deleted(network, monkeypatch) == ["look"]


def test_a_host_that_is_gone_is_named_with_what_to_do(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.machines["10.0.0.1"].is_gone_when_left = True
    with pytest.raises(SoopError) as caught:
        deleted(network, monkeypatch)
    assert caught.value.message == "gone; so nothing is taken off the host"
    assert caught.value.hint == f"when the host is gone for good: pulumi state delete 'urn::soop:index:Host::{NODE}'"
