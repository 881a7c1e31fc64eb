"""An nginx and an HAProxy with TLS before a program that is away while it is restarted."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scenarios.meanwhile import meanwhile
from tests.scenarios.workspace import Workspace, eventually, workspace

DOMAIN = "dev-front"
FRONT = [f"{role}-1.front-service.{DOMAIN}" for role in ("nginx", "haproxy")]
WEB = [f"web-{number}.news-service.{DOMAIN}" for number in (1, 2)]
SERVICES = ("news-service", "front-service")


@pytest.fixture(scope="session")
def project() -> Iterator[Workspace]:
    """The domain, up."""
    with workspace("proxies") as made:
        for service in SERVICES:
            folder = f"service_defs/{service}"
            shutil.copytree(Path(__file__).parent / folder, made.root / folder)
            made.must("soop", "lock", folder)
            made.must("soop", "build", folder)
        define(made, "nothing new")
        made.must("soop", "deploy", "--yes", *(f"{service}-1.0.0" for service in SERVICES), DOMAIN)
        yield made


def define(project: Workspace, says: str) -> None:
    """Write the domain definition; the engine's own lines in it stay."""
    path = project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    kept = path.read_text() if path.exists() else ""
    salt = "".join(line for line in kept.splitlines(keepends=True) if line.startswith("encryptionsalt:"))
    path.write_text(
        "config:\n  soop:environment: dev\n  soop:services:\n"
        f"    - {{service: news-service-1.0.0, config: {{says: {says}}}}}\n    - service: front-service-1.0.0\n{salt}"
    )


def certificate(project: Workspace) -> str:
    """Return the certificate in use, without its key."""
    pem = project.must("soop", "secret", "show", "front-service.certificate", DOMAIN)
    return pem[pem.index("-----BEGIN CERTIFICATE") :]


def ask(address: str, name: str, trusted: str | None, path: str = "/") -> tuple[int, dict[str, str]]:
    """Ask a node by its name over TLS, over a connection of its own; None trusts whatever it shows."""
    context = ssl.create_default_context(cadata=trusted)
    if trusted is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((address, 443), 60) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return status, json.loads(body) if status == 200 else {}


class Fronts:
    """Both nodes that stand in front."""

    def __init__(self, project: Workspace) -> None:
        nodes = project.service(DOMAIN, "front-service")["nodes"]
        self.addresses = {name: str(nodes[name]["address"]) for name in FRONT}

    def say(self, trusted: str, path: str = "/") -> list[tuple[int, dict[str, str]]]:
        """Return what each one answers."""
        return [ask(address, name, trusted, path) for name, address in self.addresses.items()]

    @contextmanager
    def asked(self) -> Iterator[list[int]]:
        """Ask both again and again, whatever they show; yields a status per request."""
        statuses: list[int] = []

        def once() -> None:
            statuses.extend(ask(address, name, None)[0] for name, address in self.addresses.items())

        with meanwhile(once):
            yield statuses


def try_both(fronts: Fronts, trusted: str) -> list[int]:
    """Return what each one answers, nothing while one shows another certificate."""
    try:
        return [status for status, _ in fronts.say(trusted)]
    except ssl.SSLCertVerificationError:
        return []


def test_both_speak_tls_with_a_certificate_for_their_names(project: Workspace) -> None:
    fronts, trusted = Fronts(project), certificate(project)
    abouts = [(200, {"service": "front-service", "version": "1.0.0", "node": name}) for name in FRONT]
    assert fronts.say(trusted, "/front") == abouts
    assert {answer["node"] for _ in range(4) for _, answer in fronts.say(trusted)} == set(WEB)
    address = fronts.addresses[FRONT[0]]
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        ask(address, WEB[0], trusted)
    assert project.changes(DOMAIN) == {}


def test_no_request_fails_while_the_program_behind_is_upgraded_or_gone(project: Workspace) -> None:
    fronts, trusted = Fronts(project), certificate(project)
    with fronts.asked() as statuses:
        define(project, "all is new")
        project.up(DOMAIN)
        project.sh(WEB[0], "systemctl stop news-service-news.service")
        eventually(lambda: len(statuses) > 20)
        project.sh(WEB[0], "systemctl start news-service-news.service")
    assert set(statuses) == {200}
    eventually(lambda: {answer["node"] for _, answer in fronts.say(trusted)[1:]} == {WEB[0]})
    assert {answer["says"] for _, answer in fronts.say(trusted)} == {"all is new"}


def test_a_new_certificate_interrupts_nothing(project: Workspace) -> None:
    fronts, before = Fronts(project), certificate(project)
    running = [project.sh(name, "systemctl show -P MainPID nginx haproxy") for name in FRONT]
    with fronts.asked() as statuses:
        said = project.must("soop", "rotate", DOMAIN, "front-service.certificate")
        after = certificate(project)
        eventually(lambda: try_both(fronts, after) == [200, 200])
    assert set(statuses) == {200}
    assert after != before
    assert after.splitlines()[1] not in said
    assert [project.sh(name, "systemctl show -P MainPID nginx haproxy") for name in FRONT] == running
    with pytest.raises(ssl.SSLCertVerificationError):
        fronts.say(before)
