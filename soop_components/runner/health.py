"""Health checks: an HTTP answer below 400 on the node's own address, or a command that exits with 0."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from soop_components.runner import logs, unit_watch, units, waiting
from soop_components.runner.commands import Task
from soop_components.runner.document import Document
from soop_components.runner.failure import Failure, step, tail
from soop_components.runner.host import Host
from soop_components.runner.page_text import page_text
from soop_components.runner.plan import CommandHealth, Component, HttpHealth
from soop_components.runner.vocabulary import HealthProblem
from soop_components.runner.work import Work

if TYPE_CHECKING:
    import socket

_REQUEST = 5.0
"""Seconds one request may take."""
_PAUSES = (0.05, 0.1, 0.2, 0.4)
_SHOWN = 600
_ANSWER_AT_MOST = 1 << 14


class Check(NamedTuple):
    """What is checked, and how one attempt at it goes."""

    text: str
    expected: str
    timeout: int
    """Seconds until it must have passed."""
    attempt: Callable[[float], str | None]
    """Takes the seconds it may last; returns what came back, or None if that was as expected."""
    command: str | None = None


def carry_out(work: Work, hosts: Mapping[str, str]) -> None:
    """Wait until every component is healthy, each in its time."""
    for component in work.document.components:
        for check in _checks(work.host, work.document, component, hosts):
            with step("health", component.name):
                _wait(work, component, check)


def look(host: Host, document: Document, hosts: Mapping[str, str]) -> list[HealthProblem]:
    """Try each check once, and return those that do not pass."""
    return [
        HealthProblem(component.name, check.text, wrong)
        for component in document.components
        for check in _checks(host, document, component, hosts)
        if (wrong := check.attempt(check.timeout)) is not None
    ]


def _checks(host: Host, document: Document, component: Component, hosts: Mapping[str, str]) -> list[Check]:
    http, command = component.http_health, component.command_health
    found = []
    if http is not None:
        name = document.node.get("name", "localhost")
        scheme = "https" if http.tls else "http"
        request = partial(ask, hosts.get(name, name), name, http)
        url = f"{scheme}://{_host(name, http)}{http.path}"
        found.append(Check(url, "a status below 400", http.timeout, request))
    if command is not None:
        text = " ".join(command.command)
        found.append(Check(text, "exit code 0", command.timeout, partial(try_command, host, command), text))
    return found


def _wait(work: Work, component: Component, check: Check) -> None:
    """Wait until the check passes; units that were not restarted yet may hang, and are restarted once."""
    wrong, restarted = _last_result(work, component, check), ""
    if wrong is not None and units.restart_untouched(work, component):
        wrong, restarted = _last_result(work, component, check), ", also after a restart"
    if wrong is not None:
        what = f"expected {check.expected} within {check.timeout} seconds{restarted}, got {wrong}"
        raise _failure(work, component, check, what)


def _last_result(work: Work, component: Component, check: Check) -> str | None:
    announced, deadline = False, waiting.now() + check.timeout

    def attempt() -> str | None:
        nonlocal announced
        wrong = check.attempt(max(0.1, deadline - waiting.now()))
        if wrong is not None and (failed := unit_watch.failed(work, component)):
            raise _failure(work, component, check, f"expected {check.expected}, but {failed} failed")
        if wrong is not None and not announced:
            work.events.progress(f"waiting for {check.text} ({component.name})")
            announced = True
        return wrong

    return waiting.wait_until(attempt, check.timeout, *_PAUSES, good=lambda wrong: wrong is None)


def _failure(work: Work, component: Component, check: Check, what: str) -> Failure:
    said = logs.end_of(work.host, [component], work.since)
    return Failure("health", f"{check.text}: {what}", command=check.command, stderr_tail=said)


def ask(address: str, name: str, request: HttpHealth, left: float) -> str | None:
    """Make one GET request; return what came back if that is not an answer below 400.

    Written by hand: http.client takes longer to load than everything else a look at a node needs.
    """
    import socket

    host = _host(name, request)
    head = f"GET {request.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: soop-health\r\nConnection: close\r\n\r\n"
    timeout = min(left, _REQUEST)
    deadline = time.monotonic() + timeout
    answer = b""
    try:
        with _secured(socket.create_connection((address, request.port), timeout), name, request) as connection:
            connection.sendall(head.encode())
            while len(answer) < _ANSWER_AT_MOST and (still := deadline - time.monotonic()) > 0:
                connection.settimeout(still)
                if not (chunk := connection.recv(_ANSWER_AT_MOST)):
                    break
                answer += chunk
    except OSError as error:
        if not answer:
            return f"no answer ({error.strerror or error})"
    return judge(answer.decode(errors="replace"))


def _host(name: str, request: HttpHealth) -> str:
    """Return what the header Host says."""
    return name if request.port == (443 if request.tls else 80) else f"{name}:{request.port}"


def _secured(connection: socket.socket, name: str, request: HttpHealth) -> socket.socket:
    """Return a connection over TLS if that is asked for; the node talks to itself, so any certificate will do."""
    if not request.tls:
        return connection
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(connection, server_hostname=name)
    except OSError:
        connection.close()
        raise


def judge(answer: str) -> str | None:
    """Return None for an HTTP answer below 400, else its status and the beginning of its body."""
    head, _, body = answer.partition("\r\n\r\n")
    words = head.split("\r\n")[0].split(" ")
    if not words[0].startswith("HTTP/") or len(words) < 2 or not words[1].isdigit():
        return f"no HTTP: {answer[:_SHOWN]!r}" if answer else "no answer (the connection was closed)"
    if int(words[1]) < 400:
        return None
    shown = " ".join(page_text(body).split())[:_SHOWN]
    return f"status {words[1]}" + (f": {shown}" if shown else "")


def try_command(host: Host, check: CommandHealth, timeout: float) -> str | None:
    """Run the command once; return how it ended if not with 0."""
    try:
        done = host.commands.run(Task(check.command, timeout=timeout, alone=True))
    except OSError as error:
        return f"it cannot be run ({error.strerror})"
    if done.exit_code == 0:
        return None
    said = tail(done.stderr, 5) or tail(done.stdout, 5)
    how = "no end in time" if done.timed_out else f"exit code {done.exit_code}"
    return how + (f": {said}" if said else "")
