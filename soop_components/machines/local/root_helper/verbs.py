"""The verbs: a JSON request on standard input, one JSON answer on standard output."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from . import disk, leftovers, machine, process, request
from .failure import Refused
from .folders import Realm
from .record import Record

Verb = Callable[[Realm, Mapping[str, Any]], Any]
_LONGEST_REQUEST = 1024**2


def main(arguments: list[str]) -> int:
    """Carry out one verb; the exit code is 0 if it was carried out."""
    _ignore_interrupts()
    os.umask(0o022)
    try:
        answer = {"result": _carry_out(arguments)}
    except Refused as error:
        answer = {"error": {"message": error.message, "hint": error.hint}}
    except OSError as error:
        answer = {"error": {"message": f"{error.filename or 'system call'}: {error.strerror}", "hint": None}}
    except Exception as error:
        traceback.print_exc()
        answer = {"error": {"message": f"{type(error).__name__}: {error}", "hint": None}}
    json.dump(answer, sys.stdout)
    return 0 if "result" in answer else 1


def _carry_out(arguments: list[str]) -> Any:
    if len(arguments) != 1 or arguments[0] not in _VERBS:
        raise Refused(f"expected one of {', '.join(_VERBS)}")
    keys, verb = _VERBS[arguments[0]]
    try:
        given = json.loads(sys.stdin.read(_LONGEST_REQUEST))
    except ValueError as error:
        raise Refused(f"the request is not JSON: {error}") from error
    fields = request.mapping(given, ("home", "realm", *keys), "request")
    return verb(Realm.open(fields["home"], fields["realm"]), fields)


def _create(realm: Realm, fields: Mapping[str, Any]) -> Any:
    return machine.create(realm, request.spec(fields["spec"]), request.host_key(fields["host_key"]))


def _start(realm: Realm, fields: Mapping[str, Any]) -> Any:
    return machine.start(realm, request.name(fields["name"]))


def _stop(realm: Realm, fields: Mapping[str, Any]) -> Any:
    machine.stop(realm, request.name(fields["name"]))


def _destroy(realm: Realm, fields: Mapping[str, Any]) -> Any:
    machine.destroy(realm, request.name(fields["name"]))


def _status(realm: Realm, fields: Mapping[str, Any]) -> Any:
    names = [request.name(name) for name in request.items(fields["names"], 10_000, "names")]
    return status(realm, names)


def status(realm: Realm, names: list[str]) -> dict[str, Any]:
    """Return what is known of those of ``names`` that exist."""
    running = process.supervisors()
    found = ((name, Record.load(realm, name)) for name in names)
    return {name: machine.look(realm, record, running) for name, record in found if record is not None}


def _create_disk(realm: Realm, fields: Mapping[str, Any]) -> Any:
    return disk.create(realm, request.name(fields["disk"]), request.disk_size(fields["size"]))


def _look_at_disk(realm: Realm, fields: Mapping[str, Any]) -> Any:
    return disk.look(realm, request.name(fields["disk"]))


def _destroy_disk(realm: Realm, fields: Mapping[str, Any]) -> Any:
    disk.destroy(realm, request.name(fields["disk"]))


def _sweep(realm: Realm, fields: Mapping[str, Any]) -> Any:
    return leftovers.sweep(realm)


def _clean(realm: Realm, fields: Mapping[str, Any]) -> Any:
    leftovers.clean(realm)


_VERBS: dict[str, tuple[tuple[str, ...], Verb]] = {
    "create": (("spec", "host_key"), _create),
    "start": (("name",), _start),
    "stop": (("name",), _stop),
    "destroy": (("name",), _destroy),
    "status": (("names",), _status),
    "disk-create": (("disk", "size"), _create_disk),
    "disk-status": (("disk",), _look_at_disk),
    "disk-destroy": (("disk",), _destroy_disk),
    "sweep": ((), _sweep),
    "clean": ((), _clean),
}


def _ignore_interrupts() -> None:
    """Finish what was begun when the terminal's Ctrl-C reaches all of its processes; it takes seconds at most."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler and not SIG_IGN, which machines would inherit.
        signal.signal(number, lambda *_: None)
