"""Smoke tests: HTTP from the deployer, scripts on a node; the service is ready when all of them pass."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import Any

from soop_components.errors import SoopError, shortened
from soop_components.model.plan import HttpSmoke, ScriptSmoke, SmokeTestPlan
from soop_components.release.cancellation import Cancellation
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.wording import SHOWN_LINES, ended_in_words
from soop_components.runner.page_text import page_text
from soop_components.transport.ssh import reachable
from soop_components.waiting import wait_for_all, wait_until

_PAUSE = 0.5
"""Seconds between attempts."""
_BODY_LIMIT = 1 << 20
_SHOWN = 500


class SmokeTestFailed(SoopError):
    """A smoke test did not pass in its time."""


class SmokeTests:
    """The smoke tests of one release against its nodes."""

    def __init__(self, wanted: ReleaseInputs, nodes: Mapping[str, Node], cancellation: Cancellation) -> None:
        self._wanted = wanted
        self._nodes = nodes
        self._cancellation = cancellation

    async def run(self) -> None:
        """Run one after the other; raise ``SmokeTestFailed`` with what was expected and what came back."""
        for test in self._wanted.smoke_tests:
            self._cancellation.check()
            if test.http is not None:
                await self._cancellation.unless_requested(self._run_http(test, test.http))
            if test.script is not None:
                await self._run_script(test, test.script)

    async def _run_http(self, test: SmokeTestPlan, request: HttpSmoke) -> None:
        await wait_for_all(self._until_right(test, request, node) for node in request.nodes)

    async def _until_right(self, test: SmokeTestPlan, request: HttpSmoke, node: str) -> None:
        wrong: str | None = None

        async def is_right() -> bool:
            nonlocal wrong
            wrong = await asyncio.to_thread(ask, request, node, *where)
            return wrong is None

        async with reachable(self._wanted.nodes[node].target, request.port, self._wanted.nodes[node].patience) as where:
            passed = await wait_until(is_right, test.timeout, _PAUSE)
        if not passed:
            url = f"http://{node}:{request.port}{request.path}"
            message = f"smoke test '{test.name}': {request.method} {url}: {wrong}"
            raise SmokeTestFailed("\n".join([message, *await self._logs(node)]))

    async def _logs(self, node: str) -> list[str]:
        """Return the end of what a node's service said, as far as the node still answers."""
        try:
            said = await self._nodes[node].logs(self._wanted.secrets)
        except SoopError as error:
            said = f"its logs cannot be read: {error.message}"
        return [f"  | {line}" for line in said.splitlines()[-SHOWN_LINES:]]

    async def _run_script(self, test: SmokeTestPlan, script: ScriptSmoke) -> None:
        node = self._nodes[script.node]
        await node.progress.show(f"smoke test {test.name}")
        result = await node.script(script.blob, script.source, script.environment, test.timeout)
        if result.exit_code == 0:
            return
        message = f"smoke test '{test.name}' on {script.node}: {ended_in_words(script.source, result)}"
        raise SmokeTestFailed("\n".join([message, *await self._logs(script.node)]))


def ask(request: HttpSmoke, node: str, address: str, port: int, timeout: float = 5.0) -> str | None:
    """Make the request once, at an address and a port; return what is wrong with the answer, ``None`` if nothing is."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    late = Event()
    try:
        connection.connect()
        with _deadline(connection.sock, timeout, late):
            host = node if request.port == 80 else f"{node}:{request.port}"
            connection.request(request.method, request.path, headers={"Host": host, "User-Agent": "soop-smoke-test"})
            answer = connection.getresponse()
            body = answer.read(_BODY_LIMIT).decode(errors="replace")
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = f"not all of it came within {timeout:g} seconds" if late.is_set() else error or type(error).__name__
        return f"expected status {request.status}, got no answer ({why})"
    finally:
        connection.close()
    return judge(request, answer.status, body)


@contextmanager
def _deadline(connection: socket.socket, timeout: float, late: Event) -> Iterator[None]:
    """End a connection from which something still comes when the time is up; set ``late`` then."""

    def end() -> None:
        late.set()
        with suppress(OSError):  # closed this moment
            connection.shutdown(socket.SHUT_RDWR)

    timer = Timer(timeout, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def judge(request: HttpSmoke, status: int, body: str) -> str | None:
    """Compare an answer with what is expected; return the first difference in words."""
    shown = shortened(page_text(body), _SHOWN)
    if status != request.status:
        return f"expected status {request.status}, got {status}: {shown}"
    if request.contains is not None and request.contains not in body:
        return f"expected a body with {request.contains!r}, got: {shown}"
    if request.json_ is None:
        return None
    try:
        got = json.loads(body)
    except (ValueError, RecursionError):
        return f"expected JSON, got: {shown}"
    return _missing(request.json_, got, "")


def _missing(expected: Any, got: Any, path: str) -> str | None:
    if isinstance(expected, dict) and isinstance(got, dict):
        for key, value in expected.items():
            inner = f"{path}.{key}" if path else key
            if key not in got:
                return f"expected {inner} to be {json.dumps(value)}, got no such key"
            wrong = _missing(value, got[key], inner)
            if wrong:
                return wrong
        return None
    if expected != got:
        return f"expected {path or 'the answer'} to be {json.dumps(expected)}, got {shortened(json.dumps(got), _SHOWN)}"
    return None
