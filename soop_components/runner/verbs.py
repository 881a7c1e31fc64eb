"""The verbs, and the way from a request to its answer."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from soop_components.runner import protocol
from soop_components.runner.events import Events
from soop_components.runner.failure import Failure, describe, mistake, step, tail
from soop_components.runner.host import Host


def main(arguments: Sequence[str]) -> int:
    """Serve, or clean up after an apply; return the exit code."""
    os.umask(0o077)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        match arguments:
            case ["serve"]:
                return _serve()
            case ["clean-up", id_]:
                _clean_up(Host(), id_)
                return 0
    except BrokenPipeError:  # the connection is gone; an apply goes on without us
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    sys.stderr.write("usage: serve, or clean-up ID\n")
    return 2


def _serve() -> int:
    """Answer one request after the other until there are no more; end after a failure, which may leave input unread."""
    while line := sys.stdin.buffer.readline():
        events = Events(_write)
        answer = _answer(line, events)
        events.write(answer)
        if isinstance(answer, protocol.Failed | protocol.UnknownVerb):
            return 1
    return 0


def _answer(line: bytes, events: Events) -> protocol.Answer:
    try:
        request = protocol.read_request(line)
        return request if isinstance(request, protocol.UnknownVerb) else _VERBS[type(request)](Host(), request, events)
    except protocol.Malformed as error:
        return protocol.Failed("request", f"the request cannot be read: {error}")
    except Failure as failure:
        return failure.failed
    except BrokenPipeError:
        raise
    except OSError as error:
        return protocol.Failed("state", describe(error))
    except Exception as error:
        return mistake(error)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _ping(host: Host, request: protocol.Ping, events: Events) -> protocol.Answer:
    return protocol.Done()


def _receive(host: Host, request: protocol.Receive, events: Events) -> protocol.Answer:
    from soop_components.runner.blobs import Blobs

    with step("blobs"):
        Blobs(host).receive(sys.stdin.buffer)
    return protocol.Done()


def _measure(host: Host, request: protocol.Measure, events: Events) -> protocol.Answer:
    from soop_components.runner.measure import measure

    return measure(host)


def _inspect(host: Host, request: protocol.Inspect, events: Events) -> protocol.Answer:
    from soop_components.runner.measure import inspect

    events.hide(request.secrets.values())
    return inspect(host, request, events)


def _apply(host: Host, request: protocol.Apply, events: Events) -> protocol.Answer:
    from soop_components.runner import document

    document.parse(request.document)
    return _start(host, request, events)


def _start(host: Host, request: protocol.Apply | protocol.Rollback, _: Events) -> protocol.Answer:
    from soop_components.runner import transient
    from soop_components.runner.apply import apply

    def work(write: Callable[[str], None]) -> None:
        events = Events(write)
        events.write(apply(host, request, events))

    transient.start(host, request.id, work)
    return _repeat(host, request.id)


def _follow(host: Host, request: protocol.Follow, events: Events) -> protocol.Answer:
    return _repeat(host, request.id)


def _repeat(host: Host, id_: str) -> protocol.Answer:
    """Repeat an apply's events, which hide their secrets already; return the last."""
    from soop_components.runner import transient

    for line in transient.follow(host, id_):
        event = protocol.read_event(line, protocol.Applied)
        if event is not None and not isinstance(event, protocol.Progress):
            return event
        _write(line.rstrip("\n"))
    raise Failure("apply", "the events ended without an outcome")


def _accept(host: Host, request: protocol.Accept, events: Events) -> protocol.Answer:
    from soop_components.runner.accept import accept

    accept(host, request)
    return protocol.Done()


def _hosts(host: Host, request: protocol.Hosts, events: Events) -> protocol.Answer:
    from soop_components.runner import hosts

    hosts.put(host, request.hosts)
    return protocol.Done()


def _script(host: Host, request: protocol.Script, events: Events) -> protocol.Answer:
    from soop_components.runner import scripts
    from soop_components.runner.blobs import Blobs

    program = Blobs(host).program(request.blob, request.source)
    done = scripts.run_program(host, request.source, program, timeout=request.timeout, environment=request.environment)
    late = f"\nkilled after {request.timeout} seconds" if done.timed_out else ""
    return protocol.ScriptEnded(done.exit_code, tail(done.stdout), tail(done.stderr + late))


def _clean_up(host: Host, id_: str) -> None:
    """Take away what an apply leaves behind when it was killed."""
    from soop_components.runner import dpkg, transient

    dpkg.remove_guard(host)
    transient.clean_up(host, id_)


_VERBS: Mapping[Any, Callable[[Host, Any, Events], protocol.Answer]] = {
    protocol.Measure: _measure,
    protocol.Inspect: _inspect,
    protocol.Receive: _receive,
    protocol.Apply: _apply,
    protocol.Rollback: _start,
    protocol.Follow: _follow,
    protocol.Accept: _accept,
    protocol.Hosts: _hosts,
    protocol.Script: _script,
    protocol.Ping: _ping,
}
