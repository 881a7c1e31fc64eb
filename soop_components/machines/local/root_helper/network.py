"""Networks: per environment a namespace with a bridge, joined to the host by a veth pair; per machine one on it.

The bridge lies in a namespace of its own so that no packet filter of the host (Docker's, say) sees the traffic between
machines; ``firewall`` decides which of them reach each other. There is no forwarding and no way out.
``/run/soop/networks.json`` registers all environments on this host, of whatever checkout.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import limits, request, slots
from .command import run
from .failure import Refused
from .files import read_json, write_json
from .folders import NETWORKS, RUN, Realm
from .record import Record
from .run_folder import lock

_LOCK = RUN / "networks.lock"
_NAMESPACES = Path("/run/netns")


@dataclass
class Registry:
    """Which environment has which slot; only used under the host-wide lock."""

    entries: dict[int, dict[str, Any]]

    def find(self, realm: Realm, environment: str) -> int | None:
        """Return the environment's slot, None if it has none."""
        for slot, entry in self.entries.items():
            if realm.owns(entry) and entry["environment"] == environment:
                return slot
        return None

    def claim(self, realm: Realm, environment: str, preferred: int | None) -> int:
        """Return the environment's slot with its network standing, a new one if it has none."""
        slot = self.find(realm, environment)
        if slot is None:
            slot = slots.choose_slot(realm.name, environment, preferred, self.entries, _networks_of_host())
            # Written down first: what is made next is then never without an owner.
            owned = {"realm": realm.name, "home": str(realm.home), "owner": realm.owner()}
            self.entries[slot] = {**owned, "environment": environment, "ready": False}
            self._save()
        if not (self.entries[slot]["ready"] and exists(slot)):
            _remove_environment(slot)
            _make_environment(slot, f"soop {realm.name} {environment}")
            self.entries[slot]["ready"] = True
            self._save()
        return slot

    def slots_of(self, realm: Realm) -> list[int]:
        """Return the slots that a realm has."""
        return [slot for slot, entry in self.entries.items() if realm.owns(entry)]

    def release(self, slot: int) -> None:
        """Remove an environment's network and free its slot."""
        _remove_environment(slot)
        self.entries.pop(slot, None)
        self._save()
        if not self.entries:
            limits.restore()

    def release_unused(self, realm: Realm) -> None:
        """Release the realm's environments that have no machine any more."""
        used = {request.environment_of(name) for name in realm.names(realm.machines)}
        for slot in self.slots_of(realm):
            if self.entries[slot]["environment"] not in used:
                self.release(slot)

    def _save(self) -> None:
        write_json(NETWORKS, {str(slot): entry for slot, entry in self.entries.items()})


@contextmanager
def registry() -> Iterator[Registry]:
    """Hold the host-wide registry, whose file is there as long as it has entries."""
    with lock(_LOCK):
        data = read_json(NETWORKS) or {}
        held = Registry({int(slot): entry for slot, entry in data.items()})
        try:
            yield held
        finally:
            if not held.entries:
                for path in (NETWORKS, _LOCK):
                    path.unlink(missing_ok=True)
                with suppress(OSError):
                    RUN.rmdir()


def exists(slot: int) -> bool:
    """Return whether an environment's network is there."""
    return (_NAMESPACES / environment_namespace(slot)).exists() and _has_link(environment_namespace(slot))


def namespace(id: str) -> Path:
    """Return the path of a machine's network namespace."""
    return _NAMESPACES / f"soop-{id}"


def environment_namespace(slot: int) -> str:
    """Return the name of an environment's network namespace, which has its bridge."""
    return f"soop-{slot:03x}"


def bridge_port(id: str) -> str:
    """Return the name of a machine's port on the bridge of its environment."""
    return f"m{id.partition('-')[2]}"


def mac(record: Record) -> str:
    """Return the hardware address of a machine."""
    slot, number = record.slot, record.number
    return f"02:50:{slot >> 8:02x}:{slot & 255:02x}:{number >> 8:02x}:{number & 255:02x}"


def slot_of(id: str) -> int:
    """Return the slot in a machine's id."""
    return int(id.partition("-")[0], 16)


def ids_of(slot: int) -> list[str]:
    """Return the ids of machines that have a namespace in an environment."""
    prefix = f"{environment_namespace(slot)}-"
    return [path.name.removeprefix("soop-") for path in _NAMESPACES.glob(f"{prefix}*")]


def numbers_in(slot: int) -> set[int]:
    """Return the numbers of machines that have a namespace in an environment."""
    return {int(id.partition("-")[2], 16) for id in ids_of(slot)}


def connect(record: Record) -> None:
    """Make the machine's namespace with its one interface on the environment's bridge."""
    environment, port = environment_namespace(record.slot), bridge_port(record.id)
    prefix = slots.subnet(record.slot).prefixlen
    name = namespace(record.id).name
    delete_namespace(record.id)  # the slot is ours: what is still there was left by a machine that is gone
    run("ip", "netns", "add", name)
    _batch(
        environment,
        f"link add {port} type veth peer name eth0 address {mac(record)} netns {name}",
        f"link set {port} master br0 up",
    )
    _batch(name, "link set lo up", f"addr add {record.address}/{prefix} dev eth0", "link set eth0 up")


def disconnect(id: str) -> None:
    """Remove a machine's namespace and interface."""
    with suppress(Refused):
        # Not left to the end of the namespace, which the kernel puts off.
        run("ip", "-n", environment_namespace(slot_of(id)), "link", "del", bridge_port(id))
    delete_namespace(id)


def delete_namespace(id: str) -> None:
    """Remove a machine's namespace."""
    _delete(namespace(id).name)


def _make_environment(slot: int, alias: str) -> None:
    name = environment_namespace(slot)
    run("ip", "netns", "add", name)
    # Of frames that no bridge passes on (01:80:c2:00:00:0e, say), it would learn addresses without asking the firewall.
    _batch(name, "link set lo up", "link add br0 type bridge no_linklocal_learn 1", "link set br0 up")
    run("ip", "link", "add", name, "type", "veth", "peer", "name", "uplink", "netns", name)
    _batch(name, "link set uplink master br0 up")
    _batch(
        None,
        f"addr add {slots.address(slot, 1)}/{slots.subnet(slot).prefixlen} dev {name}",
        f'link set {name} alias "{alias}" up',
    )


def _remove_environment(slot: int) -> None:
    name = environment_namespace(slot)
    if _has_link(name):
        run("ip", "link", "del", name)
    _delete(name)


def _delete(name: str) -> None:
    if (_NAMESPACES / name).exists():
        run("ip", "netns", "del", name)


def _networks_of_host() -> list[str]:
    """Return all that the host has routes or addresses for."""
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all") or "[]")
    links = json.loads(run("ip", "-json", "-4", "address", "show") or "[]")
    addresses = [f"{each['local']}/{each['prefixlen']}" for link in links for each in link.get("addr_info", [])]
    return [route["dst"] for route in routes if "dst" in route] + addresses


def _batch(namespace: str | None, *lines: str) -> None:
    """Carry out several ``ip`` commands in one process."""
    place = ("-n", namespace) if namespace else ()
    run("ip", *place, "-batch", "-", stdin="\n".join(lines) + "\n")


def _has_link(name: str) -> bool:
    try:
        return socket.if_nametoindex(name) > 0
    except OSError:
        return False
