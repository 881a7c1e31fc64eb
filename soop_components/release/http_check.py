"""One HTTP request of a smoke test: made from here, at one node, and its answer compared with what is expected."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from soop_components.errors import shortened
from soop_components.model.plan import HttpSmoke
from soop_components.runner.marks import put_secrets
from soop_components.runner.page_text import page_text

_BODY_LIMIT = 1 << 20
_SHOWN = 500
_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_KEEP_METHOD = (307, 308)
_PORTS = {"http": 80, "https": 443}


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: str


class _Wrong(Exception):
    """There is no answer to compare."""


def with_secrets(request: HttpSmoke, secrets: Mapping[str, str]) -> HttpSmoke:
    """Return a request as it is made; what is said of it must not show the secrets."""
    headers = {name: put_secrets(text, secrets) for name, text in request.headers.items()}
    body, trust = (text and put_secrets(text, secrets) for text in (request.body, request.trust))
    return request.model_copy(update={"headers": headers, "body": body, "trust": trust})


def ask(request: HttpSmoke, node: str, address: str, port: int, timeout: float = 5.0) -> str | None:
    """Make the request once, at an address and a port; return what is wrong with the answer, ``None`` if nothing is."""
    headers = {"user-agent": "soop-smoke-test", "host": _place(request.scheme, node, request.port)}
    headers |= {name.lower(): text for name, text in request.headers.items()}
    method, path, body = request.method, request.path, request.body
    try:
        for _ in range(_MOST_REDIRECTS + 1):
            connection = http.client.HTTPConnection(address, port, timeout=timeout)
            answer = _exchange(connection, request, method, path, headers, body, timeout)
            if not request.follow_redirects or answer.status not in _REDIRECTS:
                return judge(request, answer)
            path = _onward(request.scheme, headers["host"], path, answer)
            if answer.status not in _KEEP_METHOD and method != "HEAD":
                method, body = "GET", None
    except _Wrong as wrong:
        return f"expected status {request.status}, {wrong}"
    return f"expected status {request.status}, got more than {_MOST_REDIRECTS} redirects"


def _exchange(
    connection: http.client.HTTPConnection,
    request: HttpSmoke,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: str | None,
    timeout: float,
) -> Answer:
    late = Event()
    try:
        connection.connect()
        if request.scheme == "https":
            name = urlsplit(f"//{headers['host']}").hostname
            connection.sock = _context(request.trust).wrap_socket(
                connection.sock, server_hostname=name, do_handshake_on_connect=False
            )
        with _deadline(connection.sock, timeout, late):
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.do_handshake()
            connection.request(method, path, None if body is None else body.encode(), dict(headers))
            answer = connection.getresponse()
            found = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, found, answer.read(_BODY_LIMIT).decode(errors="replace"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = f"not all of it came within {timeout:g} seconds" if late.is_set() else error or type(error).__name__
        raise _Wrong(f"got no answer ({why})") from None
    finally:
        connection.close()


def _context(trust: str | None) -> ssl.SSLContext:
    """Return whom to trust: given certificates, self-signed ones of servers too, or those that this computer trusts."""
    context = ssl.create_default_context(cadata=trust)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _place(scheme: str, node: str, port: int) -> str:
    return node if port == _PORTS[scheme] else f"{node}:{port}"


def _onward(scheme: str, host: str, path: str, answer: Answer) -> str:
    """Return the path that a redirect leads to, which must be one of the same endpoint."""
    location = answer.headers.get("location", "")
    base = f"{scheme}://{host}{path}"
    with suppress(ValueError):  # no URL at all
        found, here = (urlsplit(url) for url in (urljoin(base, location), base))
        places = {(each.scheme, each.hostname, each.port or _PORTS.get(each.scheme)) for each in (found, here)}
        if location and len(places) == 1:
            return (found.path or "/") + (f"?{found.query}" if found.query else "")
    where = shortened(page_text(location), _SHOWN) or "nowhere"
    raise _Wrong(f"got status {answer.status}, a redirect to {where}, which is not at this endpoint")


@contextmanager
def _deadline(connection: socket.socket, timeout: float, late: Event) -> Iterator[None]:
    """End a connection from which something still comes when the time is up; set ``late`` then."""

    def end() -> None:
        late.set()
        with suppress(OSError):  # closed this moment
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS, which another thread is at, has another one

    timer = Timer(timeout, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def judge(request: HttpSmoke, answer: Answer) -> str | None:
    """Compare an answer with what is expected; return the first difference in words."""
    shown = shortened(page_text(answer.body), _SHOWN)
    if answer.status != request.status:
        return f"expected status {request.status}, got {answer.status}: {shown}"
    for name, text in request.answered_headers.items():
        found = answer.headers.get(name.lower())
        if found != text:
            got = "no such header" if found is None else repr(shortened(found, _SHOWN))
            return f"expected the header {name} to be {text!r}, got {got}"
    if request.contains is not None and request.contains not in answer.body:
        return f"expected a body with {request.contains!r}, got: {shown}"
    if request.json_ is None:
        return None
    try:
        got = json.loads(answer.body)
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
