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
from .record import Damaged, Record

Verb = Callable[[Realm, Mapping[str, Any]], Any]
_LONGEST_REQUEST = 1024**2


def main(arguments: list[str]) -> int:
    """Carry out one verb; the exit code is 0 if it was carried out."""
    # Finish what was begun when the terminal's Ctrl-C reaches all of its processes; it takes seconds at most.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # a handler and not SIG_IGN, which machines would inherit
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


def status(realm: Realm, names: list[str]) -> dict[str, Any]:
    """Return what is known of those of ``names`` that exist; why one is ``refused`` is no trouble of the others."""
    running = process.supervisors()
    found: dict[str, Any] = {}
    for name in names:
        try:
            record = Record.load(realm, name)
        except Refused as error:
            found[name] = {"refused": error.message, "hint": error.hint, "damaged": isinstance(error, Damaged)}
        else:
            if record is not None:
                found[name] = machine.facts(realm, record, running)
    return found


_VERBS: dict[str, tuple[tuple[str, ...], Verb]] = {
    "create": (
        ("spec", "host_key"),
        lambda realm, given: machine.create(realm, request.spec(given["spec"]), request.host_key(given["host_key"])),
    ),
    "start": (("name",), lambda realm, given: machine.start(realm, request.name(given["name"]))),
    "stop": (("name",), lambda realm, given: machine.stop(realm, request.name(given["name"]))),
    "destroy": (("name",), lambda realm, given: machine.destroy(realm, request.name(given["name"]))),
    "status": (("names",), lambda realm, given: status(realm, request.names(given["names"]))),
    "disk-create": (
        ("disk", "size"),
        lambda realm, given: disk.create(realm, request.name(given["disk"]), request.disk_size(given["size"])),
    ),
    "disk-destroy": (("disk",), lambda realm, given: disk.destroy(realm, request.name(given["disk"]))),
    "sweep": ((), lambda realm, given: leftovers.sweep(realm)),
    "clean": ((), lambda realm, given: leftovers.clean(realm)),
}
"""The keys of each verb's request, and what carries it out."""
