"""When a Host is another one: with another machine, also while that is not known yet."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.machines.host.resource import HostResource
from soop_components.provider.wire import UNKNOWN

NODE = "web-1.access-service.cloud-one"


def spec(machine: Any, **changed: Any) -> dict[str, Any]:
    """Return the spec of a machine that was made for a node."""
    hosts = [{"name": NODE, "address": "10.0.0.9", "hostKey": "ssh-ed25519 AAAA"}]
    known = {"hosts": hosts, "authorizedKey": "ssh-ed25519 BBBB", "base": "debian-12", "memory": "1GiB", "cpus": 1}
    return {**known, "madeForNode": True, "machine": machine, **changed}


@pytest.mark.parametrize(
    ("wanted", "replaces"),
    [
        (spec("i-1"), ()),
        (spec("i-1", authorizedKey="ssh-ed25519 CCCC"), ()),
        (spec("i-1", authorizedKey=UNKNOWN), ()),
        (spec("i-2"), ("spec.machine",)),
        (spec(UNKNOWN), ("spec.machine",)),
        (UNKNOWN, ("spec",)),  # what the engine asks to learn what goes before a machine does
    ],
)
def test_another_machine_is_another_host(wanted: Any, replaces: tuple[str, ...]) -> None:
    outputs = {"host": NODE, "place": {}}
    found = HostResource().diff({"spec": spec("i-1")}, outputs, {"spec": wanted})
    assert found.replaces == replaces
    assert bool(found.changes) == (wanted != spec("i-1"))


def test_existing_hosts_are_not_replaced_since_a_key_is_not_known_yet() -> None:
    before = {key: value for key, value in spec("").items() if key != "machine"}
    found = HostResource().diff({"spec": before}, {"host": NODE}, {"spec": UNKNOWN})
    assert (found.replaces, list(found.changes)) == ((), ["spec"])
