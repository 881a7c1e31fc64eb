"""The way from a request to its answer."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from soop_components.runner import protocol, wire
from soop_components.runner.commands import Task
from soop_components.runner.events import Events
from soop_components.runner.failure import Failure, describe, mistake, step, tail
from soop_components.runner.host import Host
from soop_components.runner.typed_json import Malformed


def main(arguments: Sequence[str]) -> int:
    """Serve, clean up after an apply, or roll back what was not accepted; return the exit code."""
    os.umask(0o077)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        match arguments:
            case ["serve"]:
                return _serve()
            case ["clean-up", id_]:
                from soop_components.runner import transient

                transient.clean_up(Host(), id_)  # what a killed apply leaves behind
                return 0
            case ["roll-back-unaccepted"]:
                return _roll_back_unaccepted()
    except BrokenPipeError:  # the connection is gone; an apply goes on without us
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    sys.stderr.write("usage: serve, clean-up ID, or roll-back-unaccepted\n")
    return 2


def _roll_back_unaccepted() -> int:
    """Say in the journal how it ended."""
    from soop_components.runner import own_rollback

    try:
        answer = own_rollback.run(Host())
    except Failure as failure:
        answer = failure.failed
    if answer is not None:
        Events(_write).write(answer)
    return isinstance(answer, protocol.Failed)


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
        request = wire.read_request(line)
        return request if isinstance(request, protocol.UnknownVerb) else _carry_out(Host(), request, events)
    except Malformed as error:
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


def _carry_out(host: Host, request: protocol.Request, events: Events) -> protocol.Answer:
    """Carry out a request with the modules that it needs, which take most of the time to load."""
    match request:
        case protocol.Status():
            from soop_components.runner import node_status

            return node_status.status(host)
        case protocol.Inspect():
            from soop_components.runner import node_status

            return node_status.inspect(host, request, events)
        case protocol.Apply() | protocol.Rollback() | protocol.Restart():
            return _start(host, request, events)
        case protocol.Follow():
            return _repeat(host, request.id, events)
        case protocol.Script():
            events.hide(request.secrets.values())
            return _run_script(host, request)
        case protocol.Logs():
            from soop_components.runner import logs

            events.hide(request.secrets.values())
            return protocol.Logged(logs.end_of_all(host))
        case protocol.Receive():
            from soop_components.runner.blobs import Blobs

            with step("blobs"):
                Blobs(host).receive(sys.stdin.buffer)
        case protocol.Accept():
            from soop_components.runner.accept import accept

            accept(host, request)
        case protocol.Hosts():
            from soop_components.runner import hosts

            hosts.put(host, request.hosts)
    return protocol.Done()


def _start(host: Host, request: protocol.Lasting, events: Events) -> protocol.Answer:
    from soop_components.runner import document, transient
    from soop_components.runner.apply import apply

    def work(write: Callable[[str], None]) -> None:
        its_events = Events(write)
        its_events.write(apply(host, request, its_events))

    if isinstance(request, protocol.Apply):
        document.parse(request.document)
    elif transient.running(host) == protocol.OWN_ROLLBACK:
        with suppress(Failure):  # it was killed: this one carries on from there
            transient.await_end(host, protocol.OWN_ROLLBACK, events.write)
    transient.start(host, request.id, work)
    return _repeat(host, request.id, events)


def _repeat(host: Host, id_: str, events: Events) -> protocol.Answer:
    """Repeat an apply's events, which hide their secrets already; return the last."""
    from soop_components.runner import transient

    for said in transient.follow(host, id_):
        if not isinstance(said, protocol.Progress):
            return said
        events.write(said)
    raise Failure("apply", "the events ended without an outcome")


def _run_script(host: Host, request: protocol.Script) -> protocol.Answer:
    from soop_components.runner import drained, scripts
    from soop_components.runner.blobs import Blobs

    program = Blobs(host).member(request.blob, request.source)
    task = Task(request.arguments, timeout=request.timeout, environment=request.environment)
    if request.drains:
        drained.begin(host)
    done = scripts.run_program(host, request.source, program, task, request.user, request.secrets)
    if request.drains is False and done.exit_code == 0:
        drained.end(host)
    late = f"\nkilled after {request.timeout} seconds" if done.timed_out else ""
    return protocol.ScriptEnded(done.exit_code, tail(done.stdout), tail(done.stderr + late))
