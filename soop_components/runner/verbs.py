"""The verbs, and the way from a request to its last event."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from soop_components.runner.events import Events
from soop_components.runner.failure import Failure, describe, step, tail
from soop_components.runner.host import Host

Answer = dict[str, Any]


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
    """Carry out one request after the other until there are no more; what cannot be read ends it."""
    while line := sys.stdin.buffer.readline():
        events = Events(_say)
        try:
            request = _read(line)
            answer = _VERBS[request["verb"]](Host(), request, events)
        except Failure as failure:
            answer = failure.event()
        except BrokenPipeError:
            raise
        except OSError as error:
            answer = Failure("state", describe(error)).event()
        except Exception as error:
            from soop_components.runner.apply import unexpected

            answer = unexpected(error)
        events.emit(answer)
        if answer["event"] == "failure" and answer["step"] in _UNREAD:
            return 1
    return 0


def _read(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        known = request["verb"] in _VERBS
    except (ValueError, KeyError, TypeError) as error:
        raise Failure("request", f"the request is not a JSON object with a verb: {error}") from error
    if not known:
        raise Failure("request", f"expected one of the verbs {', '.join(_VERBS)}")
    return dict(request)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _ping(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    return {"event": "result"}


def _receive(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    from soop_components.runner.blobs import Blobs

    with step("blobs"):
        return {"event": "result", **Blobs(host).receive(sys.stdin.buffer)}


def _measure(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    from soop_components.runner.measure import measure

    return measure(host, request)


def _inspect(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    from soop_components.runner.measure import inspect

    events.hide((request.get("secrets") or {}).values())
    return inspect(host, request, events)


def _apply(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    from soop_components.runner import document

    document.parse(request.get("document"))
    return _begin(host, "apply", request)


def _return(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    return _begin(host, "return", request)


def _begin(host: Host, verb: str, request: Mapping[str, Any]) -> Answer:
    from soop_components.runner import transient
    from soop_components.runner.apply import apply

    def work(say: Callable[[str], None]) -> None:
        events = Events(say)
        events.emit(apply(host, {**request, "verb": verb}, events))

    return _pass_on(host, {"id": transient.start(host, request.get("id"), work)})


def _follow(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    return _pass_on(host, request)


def _pass_on(host: Host, request: Mapping[str, Any]) -> Answer:
    """Repeat an apply's events, which hide their secrets already; return the last."""
    from soop_components.runner import transient

    for line in transient.follow(host, request.get("id")):
        if transient.is_last(line):
            return dict(json.loads(line))
        sys.stdout.write(line)
        sys.stdout.flush()
    raise Failure("apply", "the events ended without an outcome")


def _accept(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    from soop_components.runner.accept import accept

    return accept(host, request)


def _hosts(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    from soop_components.runner import hosts

    return {"event": "result", "changed": hosts.put(host, request["hosts"]), "hosts_digest": hosts.digest(host)}


def _script(host: Host, request: Mapping[str, Any], events: Events) -> Answer:
    from soop_components.runner import scripts
    from soop_components.runner.blobs import Blobs

    source, timeout = request["source"], float(request.get("timeout") or 60)
    program = Blobs(host).program(request["blob"], source)
    done = scripts.run_program(host, source, program, timeout=timeout, environment=request.get("environment"))
    late = f"\nkilled after {timeout:.0f} seconds" if done.timed_out else ""
    tails = {"stdout_tail": tail(done.stdout), "stderr_tail": tail(done.stderr + late)}
    return {"event": "result", "exit_code": done.exit_code, **tails}


def _clean_up(host: Host, id_: str) -> None:
    """Take away what an apply leaves behind when it was killed."""
    from soop_components.runner import dpkg, transient

    dpkg.remove_guard(host)
    transient.clean_up(host, id_)


_VERBS: Mapping[str, Callable[[Host, Mapping[str, Any], Events], Answer]] = {
    "measure": _measure,
    "inspect": _inspect,
    "receive": _receive,
    "apply": _apply,
    "return": _return,
    "follow": _follow,
    "accept": _accept,
    "hosts": _hosts,
    "script": _script,
    "ping": _ping,
}
_UNREAD = ("request", "blobs")
"""Steps after whose failure nobody knows where in the input the next request begins."""
