from __future__ import annotations

import pytest

from soop_components.runner import hosts
from tests.unit.runner.node import Node, document

NODES = {"web-1.access-service.dev-access": "10.0.0.3", "database-1.access-service.dev-access": "10.0.0.2"}


def test_the_block_is_added_changed_and_removed(node: Node) -> None:
    node.path("/etc/hosts").write_text("127.0.0.1 localhost")
    hosts.put(node.host, NODES)
    assert node.text("/etc/hosts").splitlines()[0] == "127.0.0.1 localhost"
    assert "10.0.0.3 web-1.access-service.dev-access\n" in node.text("/etc/hosts")
    assert hosts.current(node.host) == NODES
    before = node.path("/etc/hosts").stat()
    hosts.put(node.host, NODES)
    assert node.path("/etc/hosts").stat() == before
    node.path("/etc/hosts").write_text(node.text("/etc/hosts") + "192.0.2.1 printer\n")
    hosts.put(node.host, {"web-1.access-service.dev-access": "10.0.0.9"})
    assert hosts.current(node.host) == {"web-1.access-service.dev-access": "10.0.0.9"}
    hosts.put(node.host, {})
    assert node.text("/etc/hosts") == "127.0.0.1 localhost\n192.0.2.1 printer\n"


def test_units_that_look_names_up_when_they_are_loaded_are_reloaded(node: Node) -> None:
    units = {
        "proxy.service": {"content": "[Service]\n", "reload_on": ["/etc/hosts"]},
        "other.service": {"content": "x"},
        "elsewhere.service": {"content": "x", "reload_on": ["/etc/hosts"], "others": True},
    }
    node.accept(document(web={"units": units}), hosts=NODES)
    node.systemd.commands.clear()
    hosts.put(node.host, NODES)
    hosts.put(node.host, {**NODES, "web-2.access-service.dev-access": "10.0.0.4"})
    hosts.put(node.host, NODES)
    assert node.systemd.commands == []
    hosts.put(node.host, {**NODES, "web-1.access-service.dev-access": "10.0.0.5"})
    assert node.systemd.commands == ["try-reload-or-restart proxy.service"]


def test_a_block_without_its_end_loses_nothing_else(node: Node) -> None:
    hosts.put(node.host, NODES)
    damaged = node.text("/etc/hosts").replace("# soop: end\n", "") + "192.0.2.1 printer\n"
    node.path("/etc/hosts").write_text(damaged)
    hosts.put(node.host, NODES)
    assert hosts.current(node.host) == NODES
    assert "192.0.2.1 printer\n" in node.text("/etc/hosts")


def test_access_to_the_file_stays(node: Node) -> None:
    node.path("/etc/hosts").write_text("127.0.0.1 localhost\n")
    node.path("/etc/hosts").chmod(0o640)
    hosts.put(node.host, NODES)
    assert node.path("/etc/hosts").stat().st_mode & 0o777 == 0o640


DAMAGE = [
    ("10.0.0.2 ", "192.0.2.9 database-1.access-service.dev-access\n10.0.0.2 ", "database-1.access-service.dev-access"),
    ("10.0.0.3", "10.0.0.4", "web-1.access-service.dev-access"),
    ("10.0.0.3", "#10.0.0.3", "web-1.access-service.dev-access"),
    ("10.0.0.3 web-1.access-service.dev-access\n", "", "web-1.access-service.dev-access"),
    ("10.0.0.3", "10.0.0.7 printer\n10.0.0.3", "printer"),
    ("# soop: begin", "# begin", "database-1.access-service.dev-access, web-1.access-service.dev-access"),
]


@pytest.mark.parametrize(("text", "instead", "names"), DAMAGE)
def test_what_is_changed_by_hand_is_drift(node: Node, text: str, instead: str, names: str) -> None:
    node.accept(document(), hosts=NODES)
    assert node.drift() == []
    path = node.path("/etc/hosts")
    path.write_text(path.read_text().replace(text, instead))
    assert node.drift() == [f"file /etc/hosts: other addresses of {names}"]
    hosts.put(node.host, NODES)
    assert node.drift() == []
    path.unlink()
    assert len(node.drift()) == 1


def test_a_node_that_got_no_names_has_no_drift_and_damage_is_repaired(node: Node) -> None:
    node.accept(document(), hosts=NODES)
    record = node.path("/var/lib/soop/hosts.json")
    record.write_text("{")
    hosts.put(node.host, NODES)
    assert node.drift() == []
    record.unlink()
    assert node.drift() == []
