"""Runs applies as transient systemd units, so that a lost connection neither ends nor doubles them.

An apply ``<id>`` is the unit ``soop-apply-<id>``. Its request lies in /run/soop/request-<id>.json until
it was read, its events in /run/soop/events-<id>.jsonl; /run/soop/apply.json says which process is at work.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, Any

from soop_components.runner.canonical import canonical
from soop_components.runner.commands import Task
from soop_components.runner.failure import Failure, tail
from soop_components.runner.host import Host, write_whole
from soop_components.runner.systemd import show

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_POLL = 0.05
_SILENCE = 1.0
"""Seconds without an event after which systemd is asked whether the apply is still there."""
_EVENT_FILES_KEPT = 8
_GOES_ON = "the next one carries on from there"
_LIVING = ("active", "activating", "deactivating", "reloading")
_REQUEST = re.compile(r"request-(.+)\.json")


def start(host: Host, verb: str, request: Mapping[str, Any]) -> str:
    """Start an apply or a return, unless one with the same id is running; return its id."""
    id_ = _checked(request)
    host.prepare()
    busy = running(host)
    if busy == id_:
        return id_
    if busy is not None:
        raise Failure("lock", f"another apply ({busy}) is running on this node")
    _prune(host)
    with suppress(FileNotFoundError):
        os.unlink(_events_path(host, id_))
    write_whole(_request_path(host, id_), canonical({**request, "verb": verb}))
    runner = [sys.executable or "/usr/bin/python3", "-I", os.path.abspath(sys.argv[0])]
    unless_well = f"test $SERVICE_RESULT = success || exec {' '.join(runner)} clean-up {id_}"
    argv = [
        "systemd-run", "--quiet", "--no-block", "--collect", f"--unit={_unit(id_)}", "--description=soop apply",
        "--property=KillMode=control-group", "--property=OOMPolicy=continue", "--property=TimeoutStopSec=20",
        f"--property=ExecStopPost=/bin/sh -c '{unless_well}'", "--", *runner, "work", id_,
    ]  # fmt: skip
    done = host.commands.run(Task(argv, timeout=30))
    if done.exit_code != 0:
        with suppress(FileNotFoundError):
            os.unlink(_request_path(host, id_))
        raise Failure(
            "apply",
            "systemd did not start the apply",
            command="systemd-run",
            exit_code=done.exit_code,
            stderr_tail=tail(done.stderr),
        )
    return id_


def follow(host: Host, request: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of an apply's events from the first on, until the last."""
    id_ = _checked(request)
    quiet_since = time.monotonic()
    with _open_events(host, id_) as file:
        while True:
            line = file.readline()
            if line.endswith("\n"):
                yield line
                if is_last(line):
                    return
                quiet_since = time.monotonic()
                continue
            file.seek(file.tell() - len(line.encode()))
            if time.monotonic() >= quiet_since + _SILENCE:
                if not _alive(host, id_) and not file.read(1):
                    raise Failure("apply", f"apply {id_} was killed before it ended; {_GOES_ON}")
                quiet_since = time.monotonic()
            time.sleep(_POLL)


def is_last(line: str) -> bool:
    """Tell whether an event is an outcome."""
    return json.loads(line).get("event") in ("result", "failure")


def _open_events(host: Host, id_: str) -> IO[str]:
    """Open the events, having waited for the unit to begin."""
    while True:
        try:
            return open(_events_path(host, id_), encoding="utf-8")
        except FileNotFoundError:
            if not _alive(host, id_):
                what = f"this node knows of no apply {id_}; it was restarted, or never began it"
                raise Failure("apply", what) from None
            time.sleep(_POLL)


def _alive(host: Host, id_: str) -> bool:
    """Tell whether the apply is at work or about to be; systemd, which may be slow under load, is asked second."""
    if _at_work(host) == id_:
        return True
    found = show(host, ("ActiveState", "Job"), [f"{_unit(id_)}.service"])[0]
    return found.get("ActiveState") in _LIVING or found.get("Job", "0") not in ("", "0")


def running(host: Host) -> str | None:
    """Return the id of the apply that is at work, or that systemd is about to start."""
    return _at_work(host) or next((id_ for id_ in _requested(host) if _alive(host, id_)), None)


def _at_work(host: Host) -> str | None:
    try:
        with open(host.volatile("apply.json"), "rb") as file:
            found = json.load(file)
        return str(found["id"]) if _started(found["pid"]) == found["started"] else None
    except (OSError, ValueError, KeyError):
        return None


def _requested(host: Host) -> list[str]:
    """Return the ids of the requests that no apply has taken."""
    try:
        found = [_REQUEST.fullmatch(name) for name in os.listdir(host.volatile())]
    except FileNotFoundError:
        return []
    return [each[1] for each in found if each]


def take(host: Host, id_: str) -> tuple[dict[str, Any], IO[str]]:
    """Become the apply's process: return its request, whose file is gone then, and where its events go."""
    path = _request_path(host, id_)
    with open(path, "rb") as file:
        request = json.load(file)
    os.unlink(path)
    me = {"id": id_, "pid": os.getpid(), "started": _started(os.getpid())}
    write_whole(host.volatile("apply.json"), canonical(me))
    descriptor = os.open(_events_path(host, id_), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return request, open(descriptor, "w", encoding="utf-8", buffering=1)


def leave(host: Host) -> None:
    """Be no more the apply's process, having said how it ended."""
    os.unlink(host.volatile("apply.json"))


def clean_up(host: Host, id_: str) -> None:
    """After an apply was killed, remove its request and see that its events have a last one."""
    with suppress(FileNotFoundError):
        os.unlink(_request_path(host, id_))
    if _at_work(host) is None:
        with suppress(FileNotFoundError):
            os.unlink(host.volatile("apply.json"))
    with open(_events_path(host, id_), "a+", encoding="utf-8") as file:
        file.seek(0)
        lines = file.readlines()
        if lines and lines[-1].endswith("\n") and is_last(lines[-1]):
            return
        how = os.environ.get("EXIT_STATUS", "")
        message = f"the apply was killed before it ended ({how or 'unknown how'}); {_GOES_ON}"
        broken = "" if not lines or lines[-1].endswith("\n") else "\n"
        file.write(broken + json.dumps(Failure("apply", message).event()) + "\n")


def _started(pid: int) -> str:
    """Return when a process was started, which tells it from a later one with its number."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[19]


def _checked(request: Mapping[str, Any]) -> str:
    id_ = request.get("id")
    if not isinstance(id_, str) or _ID.fullmatch(id_) is None:
        raise Failure("plan", f"{id_!r} is not an id of an apply")
    return id_


def _unit(id_: str) -> str:
    return f"soop-apply-{id_}"


def _request_path(host: Host, id_: str) -> str:
    return host.volatile(f"request-{id_}.json")


def _events_path(host: Host, id_: str) -> str:
    return host.volatile(f"events-{id_}.jsonl")


def _prune(host: Host) -> None:
    """Remove the events of applies long over, and requests that nobody took."""
    folder = host.volatile()
    found = [os.path.join(folder, name) for name in os.listdir(folder)]
    requests = [path for path in found if os.path.basename(path).startswith("request-")]
    events = sorted((path for path in found if os.path.basename(path).startswith("events-")), key=os.path.getmtime)
    for path in requests + events[:-_EVENT_FILES_KEPT]:
        with suppress(FileNotFoundError):
            os.unlink(path)
