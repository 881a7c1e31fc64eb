"""The verbs: a JSON request on standard input, one JSON answer on standard output."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from . import disk, leftovers, machine, process, request, snapshot
from .failure import Refused
from .folders import Realm
from .record import Damaged, Record

Verb = Callable[..., Any]
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
    verb, keys = _VERBS[arguments[0]]
    try:
        given = json.loads(sys.stdin.read(_LONGEST_REQUEST))
    except ValueError as error:
        raise Refused(f"the request is not JSON: {error}") from error
    fields = request.mapping(given, ("home", "realm", *keys), "request")
    return verb(Realm.open(fields["home"], fields["realm"]), *(_FIELDS[key](fields[key]) for key in keys))


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


_VERBS: dict[str, tuple[Verb, Sequence[str]]] = {
    "create": (machine.create, ("spec", "host_key")),
    "start": (machine.start, ("name",)),
    "stop": (machine.stop, ("name",)),
    "rebuild": (machine.rebuild, ("name", "image")),
    "destroy": (machine.destroy, ("name",)),
    "status": (status, ("names",)),
    "disk-create": (disk.create, ("disk", "size")),
    "disk-destroy": (disk.destroy, ("disk",)),
    "snapshot-take": (snapshot.take, ("disk", "label", "about")),
    "snapshot-restore": (snapshot.restore, ("disk", "label")),
    "snapshot-remove": (snapshot.remove, ("disk", "label")),
    "sweep": (leftovers.sweep, ()),
    "clean": (leftovers.clean, ()),
}
"""What carries out each verb, and the keys of its request, in order."""
_FIELDS: dict[str, Callable[[object], Any]] = {
    "spec": request.spec,
    "host_key": request.host_key,
    "name": request.name,
    "image": request.image,
    "names": request.names,
    "disk": request.name,
    "size": request.disk_size,
    "label": request.label,
    "about": request.about,
}
"""What checks each field."""
