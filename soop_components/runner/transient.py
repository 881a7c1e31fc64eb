"""Runs applies and rollbacks as processes with a systemd unit each, which a lost connection neither ends nor doubles.

An apply ``<id>`` is a child of the process that was asked for it, with the unit ``soop-apply-<id>``. Its events lie in
/run/soop/events-<id>.jsonl; /run/soop/apply.json says which process is at work; /run/soop/pipe-<id> is there while
systemd begins the unit.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import IO, NoReturn

from soop_components.runner import memory, transient_unit
from soop_components.runner.failure import OUT_OF_MEMORY, Failure, describe
from soop_components.runner.host import Host, write_whole
from soop_components.runner.process_stat import STARTED, stat_of
from soop_components.runner.protocol import Answer, Applied, Done, Failed, Progress
from soop_components.runner.typed_json import canonical
from soop_components.runner.waiting import wait_until
from soop_components.runner.wire import event, read_event

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_POLLS = (0.005, 0.005, 0.01, 0.01, 0.02, 0.02, 0.05)
"""Seconds between looks for the next event, the last of them for as long as it takes."""
_SILENCE = 1.0
"""Seconds without an event after which it is asked whether the apply is still there."""
_CLEANED_UP_WITHIN = 20.0
"""Seconds in which systemd says, by ``clean_up``, how an apply ended that is gone."""
_EVENT_FILES_KEPT = 8
_PIPE_AT_MOST = 300.0
"""Seconds after which a unit that has not begun never will."""
_AT_WORK = Progress("")
"""What is said for an apply that says nothing."""
_GOES_ON = "the next one carries on from there"

Write = Callable[[str], None]


def start(host: Host, id_: str, work: Callable[[Write], None]) -> None:
    """Start ``work``, which writes its events line by line, unless one with the same id is running."""
    _check(id_)
    host.prepare()
    busy = running(host)
    if busy == id_:
        return
    if busy is not None:
        raise Failure("lock", f"another apply ({busy}) is running on this node")
    _prune(host)
    with suppress(FileNotFoundError):
        os.unlink(_events_path(host, id_))
    sys.stdout.flush()
    answer, outcome = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(answer)
        _become(host, id_, work, outcome)
    os.close(outcome)
    os.waitpid(child, 0)
    with open(answer, encoding="utf-8") as file:
        said = read_event(file.read(), Done)
    if not isinstance(said, Done):
        why = said if isinstance(said, Failed) else Failed("apply", "the apply was killed before it began")
        raise Failure("apply", why.message, command=why.command, exit_code=why.exit_code, stderr_tail=why.stderr_tail)


def _become(host: Host, id_: str, work: Callable[[Write], None], outcome: int) -> NoReturn:
    """Be the process of an apply, in a session and a unit of its own; write to ``outcome`` whether that succeeded."""
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        signal.signal(signal.SIGTERM, _stop)
        _close_connection()
        try:
            held, output = _enter(host, id_)
        except Failure as failure:
            os.write(outcome, json.dumps(event(failure.failed)).encode())
            os._exit(1)
        os.write(outcome, json.dumps(event(Done())).encode())
        os.close(outcome)
        work(lambda line: print(line, file=output, flush=True))
        os.unlink(host.volatile("apply.json"))
        transient_unit.leave(held)
        os._exit(0)
    finally:  # the caller's code runs in the caller's process only
        os._exit(1)


def _close_connection() -> None:
    """Leave the connection to the caller."""
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _enter(host: Host, id_: str) -> tuple[int, IO[str]]:
    """Become the apply that is at work; return its hold on the unit and where its events go."""
    clean_up = [sys.executable or "/usr/bin/python3", "-I", os.path.abspath(sys.argv[0]), "clean-up", id_]
    try:
        held = transient_unit.enter(host, f"soop-apply-{id_}", _pipe_path(host, id_), clean_up)
        me = {"id": id_, "pid": os.getpid(), "started": stat_of("self")[STARTED], "oom_kills": memory.kills()}
        write_whole(host.volatile("apply.json"), canonical(me))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return held, open(os.open(_events_path(host, id_), flags, 0o600), "w", encoding="utf-8")
    except OSError as error:
        raise Failure("apply", describe(error)) from error


def follow(host: Host, id_: str) -> Iterator[Progress | Answer]:
    """Yield an apply's events from the first on, until its answer, and now and then one that it goes on."""
    _check(id_)
    with _open_events(host, id_) as file:
        while True:
            line = wait_until(lambda: _whole_line(file), _SILENCE, *_POLLS)
            if not line and running(host) != id_:
                line = wait_until(lambda: _whole_line(file), _CLEANED_UP_WITHIN, *_POLLS)
            if not line and running(host) != id_:
                raise Failure("apply", f"apply {id_} was killed before it ended; {_GOES_ON}")
            said = read_event(line, Applied) if line else _AT_WORK
            if said is not None:
                yield said
            if is_answer(said):
                return


def await_end(host: Host, id_: str, heard: Callable[[Progress], object] = lambda said: None) -> Applied | Failed:
    """Wait until an apply and its process have ended; return its answer. ``heard`` gets what it says meanwhile."""
    said: Progress | Answer | None = None
    for said in follow(host, id_):
        if isinstance(said, Progress):
            heard(said)
    wait_until(lambda: running(host) != id_, _SILENCE, *_POLLS)
    return said if isinstance(said, Applied | Failed) else Failed("apply", f"apply {id_} ended without an outcome")


def is_answer(said: Progress | Answer | None) -> bool:
    """Return whether nothing follows an event."""
    return said is not None and not isinstance(said, Progress)


def _whole_line(file: IO[str]) -> str:
    """Return the next line of a file that is written to; nothing unless its end is there."""
    begin = file.tell()
    line = file.readline()
    if line.endswith("\n"):
        return line
    file.seek(begin)
    return ""


def _open_events(host: Host, id_: str) -> IO[str]:
    """Open the events, having waited for the unit to begin."""

    def attempt() -> tuple[IO[str] | None, bool]:
        about_to_begin = _is_young(_pipe_path(host, id_))
        with suppress(FileNotFoundError):
            return open(_events_path(host, id_), encoding="utf-8"), about_to_begin
        return None, about_to_begin

    file, _ = wait_until(attempt, _PIPE_AT_MOST, _POLLS[-1], good=lambda found: found[0] is not None or not found[1])
    if file is None:
        raise Failure("apply", f"this node knows of no apply {id_}; it was restarted, or never began it")
    return file


def running(host: Host) -> str | None:
    """Return the id of the apply that is at work; None, too, where the file that names it is damaged."""
    try:
        with open(host.volatile("apply.json"), "rb") as file:
            found = json.load(file)
        return str(found["id"]) if stat_of(found["pid"])[STARTED] == found["started"] else None
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def clean_up(host: Host, id_: str) -> None:
    """Add a last event after an apply was killed before it wrote one."""
    lacked_memory = False
    if running(host) is None:
        with suppress(OSError, ValueError, KeyError), open(host.volatile("apply.json"), "rb") as at_work:
            lacked_memory = memory.kills() > json.load(at_work)["oom_kills"]
        with suppress(FileNotFoundError):
            os.unlink(host.volatile("apply.json"))
    with open(_events_path(host, id_), "a+", encoding="utf-8") as file:
        file.seek(0)
        lines = file.readlines()
        if lines and lines[-1].endswith("\n") and is_answer(read_event(lines[-1], Applied)):
            return
        how = os.environ.get("EXIT_STATUS", "") if os.environ.get("EXIT_CODE") != "exited" else ""
        message = f"the apply was killed before it ended ({how or 'unknown how'}); {_GOES_ON}"
        if lacked_memory:
            message += f"; {OUT_OF_MEMORY}"
        broken = "" if not lines or lines[-1].endswith("\n") else "\n"
        file.write(broken + json.dumps(event(Failed("apply", message))) + "\n")


def _check(id_: str) -> None:
    if _ID.fullmatch(id_) is None:
        raise Failure("plan", f"{id_!r} is not an id of an apply")


def _pipe_path(host: Host, id_: str) -> str:
    return host.volatile(f"pipe-{id_}")


def _events_path(host: Host, id_: str) -> str:
    return host.volatile(f"events-{id_}.jsonl")


def _is_young(path: str) -> bool:
    with suppress(FileNotFoundError):
        return time.time() - os.stat(path).st_mtime < _PIPE_AT_MOST
    return False


def _prune(host: Host) -> None:
    """Remove the events of applies long over, and the pipes of those that never began."""
    folder = host.volatile()
    found = [os.path.join(folder, name) for name in os.listdir(folder)]
    pipes = [path for path in found if os.path.basename(path).startswith("pipe-") and not _is_young(path)]
    events = sorted((path for path in found if os.path.basename(path).startswith("events-")), key=os.path.getmtime)
    for path in pipes + events[:-_EVENT_FILES_KEPT]:
        with suppress(FileNotFoundError):
            os.unlink(path)
