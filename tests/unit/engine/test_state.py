from __future__ import annotations

import json
from typing import Any
from unittest import mock

from soop_components.engine.state import StackState
from soop_components.machines.kinds import KINDS
from tests.rented import register

SIGNATURE = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
PLACE = {"address": "10.1.0.2", "port": 22, "user": "root", "hostKey": "ssh-ed25519 AAAA"}


def resource(type: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev-a::p::soop:index:Domain${type}::{name}", "type": type, **more}


def state(*resources: dict[str, Any], pending: list[dict[str, Any]] | None = None) -> StackState:
    deployment = {"resources": resources, "pending_operations": pending or [], "manifest": {}}
    return StackState.parse(json.dumps({"version": 3, "deployment": deployment}))


def machine(node: str, **more: Any) -> dict[str, Any]:
    return resource("soop:index:Machine", f"{node}.access-service.dev-a", outputs={"place": {**PLACE, **more}})


def release(version: str | None, **inputs: Any) -> dict[str, Any]:
    node = {"role": "web", "healthy": False, "drift": ["unit x: not active"], "version": version}
    accepted = {"version": version, "digest": "sha256:1", "since": "2026-01-02T03:04:05+00:00"} if version else {}
    outputs = {"status": {"web-1.access-service.dev-a": node} if version else {}, "endpoints": {}, **accepted}
    return resource("soop:index:Release", "access-service", inputs=inputs, outputs=outputs)


def test_empty_stack() -> None:
    assert StackState.parse('{"version": 3, "deployment": {}}') == StackState()
    assert StackState.parse('{"version": 3}') == StackState()


def test_what_was_accepted_and_found() -> None:
    roles = {
        "web": {
            "components": {
                "api": {"units": {"api.service": {}}},
                "proxy": {"units": {"nginx.service": {}}, "logs": ["/e"]},
            }
        }
    }
    found = state(machine("web-1"), release("3.2.3", roles=roles))
    assert found.running("access-service") == "3.2.3"
    assert found.running("gateway-service") is None
    (node,) = found.nodes
    assert (node.name, node.role, node.address) == ("web-1.access-service.dev-a", "web", "10.1.0.2")
    assert (node.healthy, node.drift) == (False, ("unit x: not active",))
    assert node.units == ("api.service", "nginx.service")
    assert node.logs == ("/e",)


def test_machines_are_known_before_anything_was_accepted() -> None:
    found = state(*(machine(f"web-{number}") for number in (10, 2, 1)))
    assert [node.name.split(".")[0] for node in found.nodes] == ["web-1", "web-2", "web-10"]
    assert [node.healthy for node in found.nodes] == [None] * 3
    assert found.running("access-service") is None


def test_a_new_machine_counts_more_than_where_the_release_found_the_old_one() -> None:
    nodes = {"web-1.access-service.dev-a": {"role": "web", "place": {**PLACE, "address": "10.9.9.9"}}}
    assert state(release("3.2.3", nodes=nodes), machine("web-1")).nodes[0].address == "10.1.0.2"
    assert state(release("3.2.3", nodes=nodes)).nodes[0].address == "10.9.9.9"


def test_disks_pending_creates_and_other_providers() -> None:
    disks = [resource("soop:index:Disk", "database-1", protect=True), resource("soop:index:Disk", "store-1")]
    pending = [{"type": "creating", "resource": machine("web-1")}, {"type": "updating", "resource": machine("web-2")}]
    found = state(*disks, resource("aws:ec2/instance:Instance", "web-3"), pending=pending)
    assert (found.disks, found.protected) == (("database-1", "store-1"), ("database-1",))
    assert found.pending_creates == ("web-1.access-service.dev-a",)
    assert found.elsewhere == ("web-3",)


def test_what_another_provider_may_have_made_is_told_from_what_ours_adopts() -> None:
    instance = resource("aws:ec2/instance:Instance", "web-1.access-service.dev-a")
    found = state(pending=[{"type": "creating", "resource": each} for each in (instance, machine("web-2"))])
    assert found.pending_creates == ("web-1.access-service.dev-a", "web-2.access-service.dev-a")
    assert found.unknown_elsewhere == (("aws:ec2/instance:Instance", "web-1.access-service.dev-a"),)


def test_the_kind_of_a_domain_s_machines_says_which_resources_they_are() -> None:
    domain = resource("soop:index:Domain", "dev-a", inputs={"machines": "rented"})
    server = resource("soop:index:Server", "web-1.access-service.dev-a", outputs={"ip": "10.1.0.3", "hostKey": "x"})
    absent = resource("soop:index:Server", "web-2.access-service.dev-a")
    volume = resource("soop:index:Volume", "web-1.access-service.dev-a", protect=True)
    with mock.patch.dict(KINDS):
        register()
        found = state(domain, server, absent, volume, machine("web-3"))
    assert found.machines == "rented"
    assert [(node.name, node.address) for node in found.nodes] == [("web-1.access-service.dev-a", "10.1.0.3")]
    assert found.protected == ("web-1.access-service.dev-a",)


def test_of_virtual_machines_only_what_holds_the_data_of_a_node_is_a_disk() -> None:
    domain, node = (
        resource("soop:index:Domain", "test-a", inputs={"machines": "libvirt"}),
        "web-1.access-service.test-a",
    )
    names = ("debian-12-0123456789abcdef.test-a", f"{node}.root", node)
    volumes = [resource("libvirt:index/volume:Volume", name, protect=name == node) for name in names]
    found = state(domain, *volumes)
    assert (found.machines, found.disks, found.protected) == ("libvirt", (node,), (node,))


def test_key_only_when_it_was_asked_for() -> None:
    sealed = resource("soop:index:Key", "dev-a", outputs={"privateKey": {**SIGNATURE, "ciphertext": "v1:…"}})
    opened = resource("soop:index:Key", "dev-a", outputs={"privateKey": {**SIGNATURE, "plaintext": '"a key\\n"'}})
    assert state(sealed).private_key is None
    assert state(opened).private_key == "a key\n"
