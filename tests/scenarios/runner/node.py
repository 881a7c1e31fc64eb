"""A real machine with the runner on it, used as a deployer uses it: over SSH, by verbs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.local_machines import LocalMachines, MachineFacts
from soop_components.machines.local.root_helper.request import Spec
from soop_components.release.runner_archive import RunnerArchive
from soop_components.release.wording import drift_in_words
from soop_components.runner.protocol import PROTOCOL, NodeStatus
from soop_components.runner.typed_json import read
from soop_components.runner.vocabulary import Change
from tests.scenarios.ground import IMAGE, MIB
from tests.unit.runner.node import change_in_words, document, stream

NAME = "web-1.access-service.dev-access"
_LOGIN = new_host_key()


def _line(verb: str, request: Mapping[str, Any]) -> bytes:
    return json.dumps({**request, "verb": verb, "protocol": PROTOCOL}).encode() + b"\n"


@dataclass
class Said:
    """What a verb said: its progress, and its last event."""

    progress: list[str] = field(default_factory=list)
    event: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.event[key]

    @property
    def changes(self) -> list[str]:
        """What was changed, or would be."""
        return [change_in_words(Change(**change)) for change in self.event["changes"]]

    @property
    def succeeded(self) -> bool:
        return self.event.get("event") == "result"


class RunnerNode:
    """A machine and its runner."""

    def __init__(self, machines: LocalMachines) -> None:
        self._machines = machines
        self._archive = RunnerArchive.build()
        self._applies = 0
        self.facts: MachineFacts

    @property
    def archive(self) -> str:
        """Where the runner lies on the machine."""
        return self._archive.path_on_node

    def make(self) -> None:
        """Make the machine and bring the runner there."""
        spec = Spec(NAME, IMAGE, 1, 512 * MIB, (_LOGIN.public,), ())
        self.facts = asyncio.run(self._machines.create(spec, new_host_key()))
        path = self._archive.path_on_node
        self.run(f"umask 077; mkdir -p {path}; tar -x -C {path}", self._archive.content)

    def clear(self) -> None:
        """Make the machine again what it was before the first apply."""
        self.accept(document("0.0.0"))
        self.run(
            "find /var/lib/soop -mindepth 1 -maxdepth 1 -not -name runner -exec rm -r {} +; rm -rf /run/soop /tmp/*"
        )

    def start_again(self) -> None:
        """Start the machine after it ended."""
        asyncio.run(self._machines.start(NAME))
        facts = asyncio.run(self._machines.inspect([NAME]))[NAME]
        assert isinstance(facts, MachineFacts)
        self.facts = facts

    def run(self, command: str, stdin: bytes = b"") -> str:
        """Run a command as root and return what it printed, whatever its exit code."""
        return asyncio.run(self._run(command, stdin))

    async def _run(self, command: str, stdin: bytes) -> str:
        async with asyncssh.connect(
            self.facts.address,
            self.facts.port,
            username=self.facts.user,
            client_keys=[asyncssh.import_private_key(_LOGIN.private)],
            known_hosts=([asyncssh.import_public_key(self.facts.host_key)], [], []),
            config=None,
            agent_path=None,
        ) as connection:
            given: dict[str, Any] = {"input": stdin} if stdin else {"stdin": asyncssh.DEVNULL}
            done = await connection.run(command, encoding=None, **given)
            return b"".join(said for said in (done.stdout, done.stderr) if isinstance(said, bytes)).decode().strip()

    def call(self, verb: str, request: Mapping[str, Any], content: bytes = b"") -> Said:
        """Carry out a verb and return what it said."""
        sent = _line(verb, request) + content
        lines = self.run(f"python3 -I {self._archive.path_on_node} serve", sent).splitlines()
        events = [json.loads(line) for line in lines]
        return Said([event["message"] for event in events[:-1] if event["message"]], events[-1])

    def begin(self, verb: str, request: Mapping[str, Any]) -> None:
        """Begin an apply over a connection that is lost as soon as it is at work."""
        runner = f"python3 -I {self._archive.path_on_node} serve"
        at_work = "timeout 60 sh -c 'until test -e /run/soop/apply.json; do sleep 0.02; done'"
        command = f"cat > /tmp/request; {runner} < /tmp/request >/dev/null 2>&1 & {at_work}; kill $!"
        self.run(command, _line(verb, request))

    def send(self, *blobs: bytes) -> None:
        """Bring blobs to the node."""
        assert self.call("receive", {}, stream(*blobs)).succeeded

    def request(self, document: Mapping[str, Any], id: str | None = None, **more: Any) -> dict[str, Any]:
        """Return the request for an apply."""
        self._applies += 1
        hosts = {NAME: self.facts.address}
        id = id or f"apply-{self._applies}"
        given = {"secrets": {}, "hosts": hosts, "id": id, **more}
        return {"document": document, "previous_secrets": given["secrets"], **given}

    def roll_back(self) -> Said:
        """Roll back to the accepted document."""
        return self.call("rollback", {"secrets": {}, "hosts": {NAME: self.facts.address}, "id": "back"})

    def apply(self, document: Mapping[str, Any], **more: Any) -> Said:
        """Carry out a document."""
        return self.call("apply", self.request(document, **more))

    def accept(self, document: Mapping[str, Any], **more: Any) -> Said:
        """Carry out a document, which has to succeed, and accept it."""
        said = self.apply(document, **more)
        assert said.succeeded, said
        assert self.call("accept", {"plan_digest": document["plan_digest"]}).succeeded
        return said

    def pending(self, document: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> list[str]:
        """Return what an apply would change."""
        return self.call("inspect", {"document": document, "secrets": secrets or {}}).changes

    def status(self) -> NodeStatus:
        """Look at the node."""
        event = self.call("status", {}).event
        assert event.pop("event") == "result", event
        return read(NodeStatus, event, "status")

    def drift(self) -> list[str]:
        """Return how the node differs from how it was left."""
        return [drift_in_words(drift) for drift in self.status().drift]

    def applying(self) -> str:
        """Return the id of the apply that is at work."""
        wanted = json.loads(self.run("cat /var/lib/soop/intended.json"))
        return str(self.call("inspect", {"document": wanted})["apply_running"])

    def is_as_accepted(self) -> bool:
        """Return whether the node runs its accepted version, healthy and without a difference."""
        found = self.status()
        return (found.drift, found.healthy, found.accepted) == ((), True, True)

    def pids(self, *units: str) -> dict[str, str]:
        """Return the main processes of units."""
        return {unit: self.run(f"systemctl show --property=MainPID --value {unit}") for unit in units}

    def wait_for(self, condition: str, seconds: float = 60.0) -> None:
        """Wait until a command on the node succeeds."""
        deadline = time.monotonic() + seconds
        while self.run(f"{condition} >/dev/null 2>&1 && echo yes") != "yes":
            assert time.monotonic() < deadline, f"{condition} does not hold after {seconds} s"
            time.sleep(0.05)
