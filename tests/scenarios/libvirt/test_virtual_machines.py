"""The life of a domain of two virtual machines, at a real libvirt."""

from __future__ import annotations

import pytest

from tests.scenarios.libvirt.conftest import Room
from tests.scenarios.same_artifact import runs_the_same_artifact
from tests.scenarios.workspace import eventually, get
from tests.virtual import hypervisor

pytestmark = [pytest.mark.libvirt, pytest.mark.timeout(7200)]
_SERVICE = """\
format: 1
service: note-service
version: 1.0.0
summary: Keeps a note.
base: debian-12
components:
  page:
    uses: systemd_service
    with:
      command: /usr/bin/python3 -m http.server --directory /srv/notes 8080
      health: {command: [test, -d, /srv/notes]}
nodes:
  store: {components: [page], size: small, count: {default: 2}, disk: {size: 64MiB, mount: /srv/notes}}
endpoints:
  http: {role: store, port: 8080}
smoke_tests:
  - {name: it answers, http: {endpoint: http, path: /, expect: {status: 200}}}
"""


def test_two_machines_come_up_one_starts_again_and_one_is_replaced_with_its_data(room: Room) -> None:
    """A service without packages: what installs them is not what is asked here, and emulated processors are slow."""
    project, domain = room.project, room.domain
    one, other = (f"store-{number}.note-service.{domain}" for number in (1, 2))
    (project.root / "service_defs/note-service").mkdir()
    (project.root / "service_defs/note-service/service.yaml").write_text(_SERVICE)
    project.must("soop", "lock", "service_defs/note-service")
    project.must("soop", "build", "service_defs/note-service")
    room.define("service: note-service-1.0.0")
    project.up(domain)
    assert room.machines() == {one, other}
    assert project.changes(domain) == {}
    room.ssh(one, "echo kept >/srv/notes/note && sync")
    project.must("soop", "snapshot", "create", domain, "store-1", "--label", "noted")
    assert "note-service-1.0.0" in project.must("soop", "snapshot", "list", domain)

    press_power_button(other)
    replaced_with_its_data(room, one, "cat /srv/notes/note", "kept")

    assert "protected disks" in project.fails("soop", "destroy", "--yes", domain)
    project.must("soop", "destroy", "--yes", "--with-data", domain)
    assert room.machines() == set()
    (image,) = room.volumes()
    assert image.startswith("debian-12-"), "which machines of other domains may be on"


@pytest.mark.soak
def test_the_example_from_the_artifact_that_local_machines_get(room: Room) -> None:
    project, domain = room.project, room.domain
    database, web = (f"{node}.access-service.{domain}" for node in ("database-1", "web-1"))
    project.must("soop", "build", "service_defs/access-service")
    room.define("{service: access-service-3.2.3, nodes: {web: 1}}")
    project.up(domain)
    assert runs_the_same_artifact(project, domain)
    (url,) = project.service(domain)["endpoints"]["http"]
    health = {"service": "access-service", "version": "3.2.3", "node": web, "database": "reachable"}
    assert get(f"{url}/health") == (200, health)
    assert get(f"{url}/grants/ann/42", "PUT")[0] in (200, 201)

    press_power_button(web)
    replaced_with_its_data(room, database, "true", "")
    assert get(f"{url}/access/ann/42") == (200, {"allowed": True})


def press_power_button(node: str) -> None:
    """Shut a machine down, which has to hear it."""
    hypervisor.virsh("shutdown", node)
    eventually(lambda: hypervisor.virsh("domstate", node) == "shut off", 1800)


def replaced_with_its_data(room: Room, node: str, shows: str, content: str) -> None:
    """Give a node another machine, in an update that starts the one that is off."""
    system = room.ssh(node, "cat /etc/machine-id")
    room.project.must("soop", "replace", "--yes", node)
    assert room.ssh(node, "cat /etc/machine-id") != system
    assert room.ssh(node, shows) == content
    assert room.project.changes(room.domain) == {}
