"""Requests of smoke tests, made to real servers on this computer."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from soop_components.model.plan import HttpSmoke
from soop_components.release.http_check import ask, with_secrets

NODE = "web-1.access-service.dev-access"


class Handler(BaseHTTPRequestHandler):
    """Answers with what it was asked; paths below /to redirect."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        status, _, location = self.path.removeprefix("/to/").partition("?")
        redirects = self.path.startswith("/to/3")
        self.send_response(int(status) if redirects else 200)
        if redirects:
            self.send_header("Location", location)
        self.send_header("X-Host", self.headers["Host"])
        said = f"{self.command} {self.path} {self.headers.get('X-Token')} {body}" if self.command != "HEAD" else ""
        text = said.encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def plain() -> Iterator[int]:
    yield from serve()


def wrong(port: int, **request: Any) -> str | None:
    """Return what is wrong with the answer of a server on this computer."""
    smoke = HttpSmoke.model_validate({"port": port, "nodes": [NODE], **request})
    return ask(smoke, NODE, "127.0.0.1", port, timeout=60)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_method_headers_and_body_arrive(plain: int, method: str) -> None:
    assert wrong(plain, method=method, headers={"x-token": "a b"}, body="ü", contains=f"{method} / a b ü") is None


def test_the_answers_headers_are_looked_at_whatever_their_case(plain: int) -> None:
    assert wrong(plain, method="HEAD", answered_headers={"x-host": f"{NODE}:{plain}"}) is None
    assert wrong(plain, headers={"HOST": "www.example.org"}, answered_headers={"X-Host": "www.example.org"}) is None
    said = "expected the header X-Other to be 'a', got no such header"
    assert wrong(plain, answered_headers={"X-Other": "a"}) == said


@pytest.mark.parametrize(
    ("status", "location", "arrives"),
    [
        (301, "/there?a=b", "GET /there?a=b secret "),
        (303, "there#part", "GET /to/there secret "),
        (307, "http://NODE:PORT/there", "POST /there secret body"),
        (308, "//NODE:PORT", "POST / secret body"),
    ],
)
def test_redirects_at_the_same_endpoint_are_followed(plain: int, status: int, location: str, arrives: str) -> None:
    path = f"/to/{status}?{location}".replace("NODE", NODE).replace("PORT", str(plain))
    request: dict[str, Any] = {"path": path, "method": "POST", "headers": {"X-Token": "secret"}, "body": "body"}
    assert wrong(plain, **request, follow_redirects=True, contains=arrives) is None
    assert wrong(plain, **request, status=status) is None


@pytest.mark.parametrize(
    "location", ["http://elsewhere.example/", "https://NODE:PORT/", "http://NODE:1/", "//elsewhere/", "http://[", ""]
)
def test_a_redirect_to_elsewhere_is_not_followed(plain: int, location: str) -> None:
    location = location.replace("NODE", NODE).replace("PORT", str(plain))
    said = wrong(plain, path=f"/to/302?{location}", follow_redirects=True)
    assert said == (
        f"expected status 200, got status 302, a redirect to {location or 'nowhere'}, which is not at this endpoint"
    )


def test_redirects_have_an_end() -> None:
    class Circle(Handler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "/again")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Circle) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        assert wrong(server.server_port, follow_redirects=True) == "expected status 200, got more than 10 redirects"
        server.shutdown()


def test_secrets_are_put_in_when_the_request_is_made() -> None:
    request = HttpSmoke(port=1, nodes=(), headers={"A": "Bearer @@soop-secret:t@@"}, body="@@soop-secret:t|json@@")
    made = with_secrets(request, {"t": 'a"b'})
    assert (made.headers, made.body, made.trust) == ({"A": 'Bearer a"b'}, '"a\\"b"', None)


def certificate(folder: Path, name: str) -> tuple[str, ssl.SSLContext]:
    """Return a certificate that a server signed itself, and what it serves with."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    of_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(of_key + pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return pem.decode(), context


def test_a_certificate_that_is_trusted_for_the_name_of_the_node_or_of_the_host(tmp_path: Path) -> None:
    for name, headers in ((NODE, {}), ("www.example.org", {"Host": "www.example.org"})):
        trust, context = certificate(tmp_path, name)
        other, _ = certificate(tmp_path, f"other.{name}")
        for port in serve(context):
            assert wrong(port, scheme="https", trust=trust, headers=headers, contains="GET /") is None
            assert wrong(port, scheme="https", trust=other + trust, headers=headers) is None
            for untrusted in (None, other):
                said = wrong(port, scheme="https", trust=untrusted, headers=headers)
                assert "CERTIFICATE_VERIFY_FAILED" in str(said)
            said = wrong(port, scheme="https", trust=trust, headers={"Host": "somebody.else"})
            assert "certificate is not valid for 'somebody.else'" in str(said)


@pytest.mark.parametrize(
    "trust", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_trusted_by_nobody(plain: int, trust: str) -> None:
    assert str(wrong(plain, scheme="https", trust=trust)).startswith("expected status 200, got no answer (")


def test_a_server_that_says_nothing_has_its_time_for_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        smoke = HttpSmoke(scheme="https", port=server.getsockname()[1], nodes=(NODE,))
        said = ask(smoke, NODE, "127.0.0.1", smoke.port, timeout=0.3)
    assert str(said).startswith("expected status 200, got no answer (")
