"""Health checks: an HTTP answer below 400 on the node's own address, or a command that exits with 0."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping

from soop_components.runner import units
from soop_components.runner.commands import Task
from soop_components.runner.document import Document
from soop_components.runner.failure import Failure, tail
from soop_components.runner.host import Host
from soop_components.runner.plan import CommandHealth, Component, HttpHealth
from soop_components.runner.work import Work

_ATTEMPT = 5.0
"""Seconds one attempt may take."""
_PAUSES = (0.05, 0.1, 0.2, 0.4)
_SHOWN = 300
_ANSWER_AT_MOST = 4096


def carry_out(work: Work, hosts: Mapping[str, str]) -> None:
    """Wait until every component is healthy, each in its time."""
    for component in work.document.components:
        for text, timeout, attempt in _checks(work.host, work.document, component, hosts):
            _wait(work, component, text, timeout, attempt)


def look(host: Host, document: Document, hosts: Mapping[str, str]) -> list[str]:
    """Try each check once, and say what is wrong."""
    problems = []
    for component in document.components:
        for text, _, attempt in _checks(host, document, component, hosts):
            wrong = attempt(_ATTEMPT)
            if wrong is not None:
                problems.append(f"{component.name}: {text}: {wrong}")
    return problems


_Check = tuple[str, int, Callable[[float], str | None]]
"""What is checked, seconds until it must have passed, and one attempt that returns what came back instead."""


def _checks(host: Host, document: Document, component: Component, hosts: Mapping[str, str]) -> list[_Check]:
    found: list[_Check] = []
    if (http := component.http_health) is not None:
        name = document.node.get("name", "localhost")
        port = "" if http.port == 80 else f":{http.port}"
        request = http
        found.append(
            (
                f"http://{name}{port}{http.path}",
                http.timeout,
                lambda left: ask(hosts.get(name, name), name, request, min(left, _ATTEMPT)),
            )
        )
    if (command := component.command_health) is not None:
        wanted = command
        found.append((" ".join(command.command), command.timeout, lambda left: try_command(host, wanted, left)))
    return found


def _wait(work: Work, component: Component, text: str, timeout: int, attempt: Callable[[float], str | None]) -> None:
    deadline = time.monotonic() + timeout
    tries = 0
    while True:
        wrong = attempt(max(0.1, deadline - time.monotonic()))
        if wrong is None:
            return
        units.refuse_failed(work, component)
        if tries == 0:
            work.events.progress(f"waiting for {text} ({component.name})")
        pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
        tries += 1
        if time.monotonic() + pause >= deadline:
            expected = "a status below 400" if component.http_health and text.startswith("http://") else "exit code 0"
            raise Failure(
                "health",
                f"{text}: expected {expected} within {timeout} seconds, last came {wrong}",
                component=component.name,
                command=None if text.startswith("http://") else text,
                stderr_tail=units.journal(work, component),
            )
        time.sleep(pause)


def ask(address: str, name: str, request: HttpHealth, timeout: float) -> str | None:
    """Make one GET request; return what came back if that is not an answer below 400.

    Written by hand: http.client takes longer to load than everything else a look at a node needs.
    """
    host = name if request.port == 80 else f"{name}:{request.port}"
    head = f"GET {request.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: soop-health\r\nConnection: close\r\n\r\n"
    deadline = time.monotonic() + timeout
    answer = b""
    try:
        with socket.create_connection((address, request.port), timeout) as connection:
            connection.sendall(head.encode())
            while len(answer) < _ANSWER_AT_MOST and (left := deadline - time.monotonic()) > 0:
                connection.settimeout(left)
                if not (chunk := connection.recv(_ANSWER_AT_MOST)):
                    break
                answer += chunk
    except OSError as error:
        if not answer:
            return f"no answer ({error.strerror or error})"
    return judge(answer.decode(errors="replace"))


def judge(answer: str) -> str | None:
    """Return None for an HTTP answer below 400, else its status and the beginning of its body."""
    head, _, body = answer.partition("\r\n\r\n")
    words = head.split("\r\n")[0].split(" ")
    if not words[0].startswith("HTTP/") or len(words) < 2 or not words[1].isdigit():
        return f"no HTTP: {answer[:_SHOWN]!r}" if answer else "no answer (the connection was closed)"
    if int(words[1]) < 400:
        return None
    shown = " ".join(body.split())[:_SHOWN]
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
