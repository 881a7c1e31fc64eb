"""Machines: systemd-nspawn on an overlay of the base image; what was cut short anywhere can be done again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import boot, disk, firewall, image, layers, limits, network, process, request, seed, slots
from .failure import Refused
from .files import opened
from .folders import Realm
from .record import Damaged, Record, records
from .run_folder import make_run_folder

LOG = "console.log"
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT
_PATIENCE = 45.0
"""Seconds in which a machine may shut down by itself: programs of ours get 30 for what is under way."""
_ENDING = "ending"
"""File in a machine's run folder: it was asked to shut down, so it does not count as running although it still does."""


def create(realm: Realm, spec: request.Spec, host_key: request.HostKey) -> dict[str, Any]:
    """Make a machine as ``spec`` says and boot it; an existing one is changed and keeps its host key."""
    with realm.locked(spec.name):
        record = _loaded(realm, spec.name)
        if record is None:
            digest = image.digest(realm, spec.image)
            realm.remove(realm.machine(spec.name))
            _make_folder(realm, spec, host_key)
            record = _place(realm, Record(spec, digest, host_key.public, 0, 0), None)
        elif record.spec != spec:
            record = _change(realm, record, spec)
        return _boot(realm, record)


def start(realm: Realm, name: str) -> dict[str, Any]:
    """Boot a machine as it was last made."""
    with realm.locked(name):
        record = Record.load(realm, name)
        if record is None:
            raise Refused(f"there is no machine {name}")
        return _boot(realm, record)


def stop(realm: Realm, name: str) -> None:
    """Shut a machine down."""
    with realm.locked(name):
        record = Record.load(realm, name)
        if record is not None:
            take_down(realm, record, _PATIENCE)


def rebuild(realm: Realm, name: str, image_name: str) -> dict[str, Any]:
    """Make a machine's system anew from a base image and boot it; it keeps its disks, its address and its host key."""
    with realm.locked(name):
        record = Record.load(realm, name)
        if record is None:
            raise Refused(f"there is no machine {name}")
        spec = replace(record.spec, image=image_name)
        digest = image.digest(realm, image_name)
        take_down(realm, record, _PATIENCE)
        with realm.opened(realm.machine(name)) as folder:
            layers.renew(folder, spec, record.host_key)
        record = replace(record, spec=spec, image_digest=digest)
        record.save(realm)
        return _boot(realm, record)


def destroy(realm: Realm, name: str, patience: float = _PATIENCE) -> None:
    """Remove a machine with its files; within ``patience`` its programs end what is under way."""
    with realm.locked(name):
        record = _loaded(realm, name)
        if record is not None:
            take_down(realm, record, patience)
            with realm.opened(realm.machine(name)) as folder:
                (folder / "machine.json").unlink()
        realm.remove(realm.machine(name))
        with network.registry() as registry:
            registry.release_unused(realm)


def take_down(realm: Realm, record: Record, patience: float) -> None:
    """End all of a machine that does not outlive the host's uptime."""
    with network.registry() as registry:
        # The record may be older than the host's uptime, and its slot another realm's by now.
        has_network = registry.find(realm, record.spec.environment) == record.slot
    disks = [attachment.disk for attachment in record.spec.disks]
    _end(realm, record.id, record.spec.name, disks, patience, has_network=has_network)


def facts(realm: Realm, record: Record, running: dict[Path, int]) -> dict[str, Any]:
    """Return what is known of a machine; needs no rights."""
    pid = running.get(record.root(realm))
    return {
        "spec": record.spec.as_json(),
        "running": pid is not None,
        "pid": pid,
        "address": record.address,
        "host_key": record.host_key,
    }


def _loaded(realm: Realm, name: str) -> Record | None:
    """Return the record of a machine; where it is damaged or lost, end what may be that machine."""
    with suppress(Damaged):
        record = Record.load(realm, name)
        if record is not None or not realm.machine(name).exists():
            return record
    end_unknown(realm, name)
    return None


def end_unknown(realm: Realm, name: str) -> None:
    """End the machine ``name``, which has no record: whatever of its environment no record names."""
    environment = request.environment_of(name)
    with network.registry() as registry:
        slot = registry.find(realm, environment)
    ids = [] if slot is None else network.ids_of(slot)
    # Read later: a machine has its record before its namespace.
    known = {record.id for record in records(realm, environment)}
    for id in ids:
        if id not in known:
            _end(realm, id, name, realm.names(realm.disks), _PATIENCE, has_network=True)


def _end(realm: Realm, id: str, name: str, disks: Iterable[str], patience: float, *, has_network: bool) -> None:
    """End the processes of a machine, and remove its mounts, its network and its run folder."""
    folder = realm.run / id
    with suppress(FileNotFoundError):
        (folder / _ENDING).touch()
    boot.end(realm, id, patience, has_network=has_network)
    for each in disks:
        disk.detach(realm, each, name)
    if has_network:
        network.disconnect(id)
    with suppress(FileNotFoundError):
        for path in folder.iterdir():  # the lock file that systemd-nspawn leaves is there too
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        folder.rmdir()


def _boot(realm: Realm, record: Record) -> dict[str, Any]:
    """Boot a machine unless it runs, is not about to end, and has its network."""
    root = record.root(realm)
    if process.supervisor(root) is None or not _is_in_place(realm, record):
        take_down(realm, record, _PATIENCE)
        made_from = image.folder(realm, record)
        record = _place(realm, record, record)
        _isolate(realm, record)
        _bring_up(realm, record, made_from)
    else:
        _isolate(realm, record)
    return facts(realm, record, process.supervisors())


def _isolate(realm: Realm, record: Record) -> None:
    """Let the machines of an environment reach what their records say, before this one is there."""
    with network.registry():
        firewall.isolate(record.slot, records(realm, record.spec.environment))


def _bring_up(realm: Realm, record: Record, made_from: Path) -> None:
    root = record.root(realm)
    limits.raise_limit(len(process.supervisors()) + 1)
    make_run_folder(root.parent, 0o700)
    root.mkdir(exist_ok=True)
    try:
        with realm.opened(realm.machine(record.spec.name)) as folder, opened(folder / LOG, _APPEND) as log:
            with realm.opened(made_from) as lower:
                layers.mount(folder, lower, record.root(realm))
            binds = [
                (disk.attach(realm, attachment.disk, record.spec.name), attachment.mount)
                for attachment in record.spec.disks
            ]
            network.connect(record)
            boot.launch(realm, record, binds, log)
    except (Refused, OSError):
        take_down(realm, record, 0)
        raise


def _change(realm: Realm, record: Record, spec: request.Spec) -> Record:
    """Make an existing machine what ``spec`` says: size and who may log in at once, all else by booting it again."""
    if spec.image != record.spec.image:
        raise Refused(f"{spec.name} was made from {record.spec.image}, not {spec.image}", "replace the machine")
    root = record.root(realm)
    runs = process.supervisor(root) is not None and _is_in_place(realm, record)
    changed = replace(record, spec=spec)
    if runs and spec.disks == record.spec.disks and boot.resize(realm, changed):
        seed.authorize(root, spec)
    else:
        take_down(realm, record, _PATIENCE)
        with realm.opened(realm.machine(spec.name)) as folder:
            seed.authorize(folder / "upper", spec)
    changed.save(realm)
    return changed


def _make_folder(realm: Realm, spec: request.Spec, host_key: request.HostKey) -> None:
    realm.make(realm.machine(spec.name))
    with realm.opened(realm.machine(spec.name)) as folder:
        layers.make(folder, spec, host_key)


def _place(realm: Realm, record: Record, previous: Record | None) -> Record:
    """Give a machine its address, the one it had if that is still free, and write its record."""
    name, environment = record.spec.name, record.spec.environment
    with network.registry() as registry:
        others = [each for each in records(realm, environment) if each.spec.name != name]
        preferred = next((each.slot for each in (previous, *others) if each is not None), None)
        slot = registry.claim(realm, environment, preferred)
        taken = {each.number for each in others} | network.numbers_in(slot)
        number = previous.number if previous and previous.number not in taken else slots.choose_number(name, taken)
        placed = replace(record, slot=slot, number=number)
        if placed != previous:
            placed.save(realm)
    return placed


def _is_in_place(realm: Realm, record: Record) -> bool:
    if (record.root(realm).parent / _ENDING).exists():
        return False
    with network.registry() as registry:
        slot = registry.find(realm, record.spec.environment)
    return slot == record.slot and network.exists(slot) and network.namespace(record.id).exists()
