"""Leftovers: what killed runs, crashed machines and deleted checkouts left on the host."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import boot, disk, machine, mounts, network, process, snapshot
from .failure import Refused
from .folders import Realm
from .record import Record

_ID = re.compile(r"[0-9a-f]{3}-[0-9a-f]{3}")


def sweep(realm: Realm) -> list[str]:
    """Remove what does not belong to a living machine, and all of realms whose checkout is gone; return what it was."""
    removed = [line for line in (_sweep_machine(realm, name) for name in realm.names(realm.machines)) if line]
    removed += _sweep_disks(realm)
    with network.registry() as registry:
        registry.release_unused(realm)
        gone = sorted({(each["realm"], each["home"]) for each in registry.entries.values() if _is_gone(realm, each)})
    for name, home in gone:
        _clean_run(Realm(Path(home), name, realm.caller))
        removed.append(f"realm {name} of {home}, which is gone")
    return removed


def clean(realm: Realm) -> None:
    """Remove all machines and disks of a realm, whatever condition they are in."""
    # What is damaged cannot be removed in good order; the rest is, and all that then still runs is ended.
    for name in realm.names(realm.machines):
        with suppress(Refused):
            machine.destroy(realm, name, patience=0)
    for name in realm.names(realm.disks):
        with suppress(Refused):
            disk.destroy(realm, name)
    _clean_run(realm)
    for top in (realm.machines, realm.disks):
        realm.remove(top)


def _sweep_machine(realm: Realm, name: str) -> str | None:
    with realm.locked(name, wait=False) as free:
        if not free:
            return None
        try:
            record = Record.load(realm, name)
        except Refused:
            return None  # a look at the machine says why
        if record is None:
            machine.end_unknown(realm, name)
            realm.remove(realm.machine(name))
            return f"{name}, which was never complete"
        root = record.root(realm)
        has_remains = root.parent.exists() or network.namespace(record.id).exists()
        if process.supervisor(root) is not None or not has_remains:
            return None
        machine.take_down(realm, record, 0)
        return f"remains of {name}, which does not run"


def _sweep_disks(realm: Realm) -> list[str]:
    removed = []
    for name in realm.names(realm.disks):
        with realm.locked_disk(name, wait=False) as free:
            if not free:
                continue  # somebody makes it, or copies it
            if disk.facts(realm, name) is None:
                disk.destroy_locked(realm, name)
                removed.append(f"disk {name}, which was never complete")
            else:
                removed += snapshot.sweep(realm, name)
    return removed


def _is_gone(realm: Realm, network: Mapping[str, Any]) -> bool:
    """Return whether a network's checkout was removed, and is the caller's business."""
    return realm.caller in {0, network.get("owner", realm.caller)} and not Path(network["home"]).exists()


def _clean_run(realm: Realm) -> None:
    """End and remove all that a realm has in memory and in ``/run``, going by what is there and not by records."""
    # Held all the time: nobody can take the realm meanwhile, nor one of its slots.
    with network.registry() as registry:
        owned = registry.slots_of(realm)
        folders = {path.name for path in realm.run.glob("*") if _ID.fullmatch(path.name)}
        for id in sorted(folders | {id for slot in owned for id in network.ids_of(slot)}):
            has_network = network.slot_of(id) in owned
            boot.end(realm, id, 0, has_network=has_network)
            if has_network:
                network.delete_namespace(id)
        for path in sorted((path for path in mounts.table() if path.is_relative_to(realm.run)), reverse=True):
            mounts.unmount(path)
        for slot in owned:
            registry.release(slot)
        with suppress(FileNotFoundError):
            shutil.rmtree(realm.run)
