"""``soop ssh`` and ``soop logs`` with the real ``ssh`` against an SSH server of the test's own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import asyncssh
import pytest

from tests.engine.stand_in.project import StandInProject


class Server:
    """Answers every command with itself and exit code 7, to whoever has a key of ``welcome``."""

    def __init__(self) -> None:
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.welcome: set[str] = set()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Server:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        welcome = self.welcome

        class Door(asyncssh.SSHServer):
            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return username == "root" and key.export_public_key().decode().split()[1] in welcome

        def answer(process: asyncssh.SSHServerProcess[str]) -> None:
            process.stdout.write(f"you said: {process.command}\n")
            process.exit(7)

        keys = [self.key]
        listener = await asyncssh.create_server(Door, "127.0.0.1", 0, server_host_keys=keys, process_factory=answer)
        self.port = listener.get_port()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def deployers_key(project: StandInProject, domain: str) -> str:
    """Return the public key, in base64, that machines of a domain let in."""
    checkpoint = json.loads(project.read(f".soop/state/.pulumi/stacks/stand-in/{domain}.json"))["checkpoint"]
    resources: list[dict[str, Any]] = checkpoint["latest"]["resources"]
    return str(next(each for each in resources if each["type"] == "soop:index:Key")["outputs"]["publicKey"].split()[1])


def test_reaches_a_node_with_the_domains_key_and_its_known_host_key(project: StandInProject, server: Server) -> None:
    project.environment["STAND_IN_PORT"] = str(server.port)
    project.environment["STAND_IN_HOST_KEY"] = server.key.export_public_key().decode().strip()
    project.succeed("deploy", "access-service-3.2.3", "dev-access")
    assert "Permission denied" in project.fail("ssh", "store", "true")
    server.welcome.add(deployers_key(project, "dev-access"))

    done = project.soop("ssh", "web-1", "ls -l | wc")
    assert (done.returncode, done.stdout) == (7, "you said: ls -l | wc\n"), done.stderr
    done = project.soop("ssh", "web-2.access-service.dev-access", "echo", "two words", "-n")
    assert (done.returncode, done.stdout) == (7, "you said: echo 'two words' -n\n"), done.stderr
    assert "web-1.access-service.dev-access, web-2" in project.fail("ssh", "web", "true")

    units = "--unit=access-service-job.service '--unit=access-service-job@*.service'"
    assert project.soop("logs", "web-1", "-n", "5").stdout == f"you said: journalctl --no-pager --lines=5 {units}\n"
    follow = "you said: journalctl --no-pager --lines=100 --follow --unit=ssh '--unit=ssh@*.service'\n"
    assert project.soop("logs", "-f", "-u", "ssh", "web-1").stdout == follow
    assert [path.name for path in (project.root / ".soop" / "run").iterdir() if path.is_dir()] == []


def test_refuses_a_node_with_another_host_key(project: StandInProject, server: Server) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    project.environment.update(STAND_IN_PORT=str(server.port), STAND_IN_HOST_KEY=other)
    project.succeed("deploy", "access-service-3.2.3", "dev-access")
    server.welcome.add(deployers_key(project, "dev-access"))
    assert "Host key verification failed" in project.fail("ssh", "web-1", "true")
