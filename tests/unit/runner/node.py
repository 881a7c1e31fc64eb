"""A node for unit tests: a folder as its root, and programs that are played."""

from __future__ import annotations

import fnmatch
import getpass
import grp
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from soop_components.release.wording import drift_in_words
from soop_components.runner import apply as applying
from soop_components.runner.commands import Completed, Programs, Task
from soop_components.runner.events import Events
from soop_components.runner.host import Host
from soop_components.runner.node_status import inspect, status
from soop_components.runner.protocol import Accept, Apply, Inspect, Inspected, Lasting, NodeStatus, Restart, Rollback
from soop_components.runner.typed_json import digest_of
from soop_components.runner.vocabulary import Change

USER = getpass.getuser()
GROUP = grp.getgrgid(os.getegid()).gr_name
NODE = {"name": "web-1.access-service.dev-access", "role": "web", "number": "1"}
ME = {"owner": USER, "group": GROUP}
"""Files of tests belong to whoever runs them."""


class Played:
    """Plays systemd; runs scripts for real; refuses every other program."""

    def __init__(self) -> None:
        self.units: dict[str, dict[str, str]] = {}
        self.commands: list[str] = []
        self.fails: dict[str, str] = {}
        """Commands that fail, with what they say."""
        self.refuses: set[str] = set()
        """Units that were started too often, until that is reset."""
        self.on_restart: Callable[[], object] = lambda: None
        self.on_start: Callable[[], object] = lambda: None

    def run(self, task: Task) -> Completed:
        program, *arguments = task.argv
        command = " ".join(task.argv)
        if program == "systemctl":
            return self._systemctl(command, *arguments)
        if program == "journalctl":
            return Completed(command, 0, "what the unit said\n", "")
        if "/soop/scripts/" in program or program == "/bin/sh" or task.argv[:2] == ["dpkg", "--compare-versions"]:
            return Programs().run(task)
        raise AssertionError(f"this test expects no {command}")

    def _systemctl(self, command: str, verb: str, *arguments: str) -> Completed:
        names = [argument for argument in arguments if not argument.startswith("-")]
        if verb == "list-units":
            kept = [unit for unit in self.units if any(fnmatch.fnmatch(unit, pattern) for pattern in names)]
            return Completed(command, 0, "".join(f"{name} loaded active running\n" for name in kept), "")
        if verb == "show":
            return Completed(command, 0, "\n\n".join(self._show(name) for name in names), "")
        self.commands.append(" ".join([verb, *names]))
        if self.commands[-1] in self.fails:
            return Completed(command, 1, "", self.fails[self.commands[-1]])
        if verb == "reset-failed":
            self.refuses -= set(names)
        elif verb == "restart" and self.refuses & set(names):
            self.units[names[0]] |= {"ActiveState": "failed", "Result": "start-limit-hit"}
            return Completed(command, 1, "", "start of the service was attempted too often")
        for name in names:
            self.units.setdefault(name, {}).update(_EFFECTS[verb])
            if self.units[name].get("Type") == "oneshot":
                self.units[name] |= {"ActiveState": "inactive", "SubState": "dead"}
        if verb == "restart":
            self.on_restart()
        if verb == "start":
            self.on_start()
        return Completed(command, 0, "", "")

    def _show(self, name: str) -> str:
        unit = {"LoadState": "loaded", "ActiveState": "inactive", "SubState": "dead", "UnitFileState": "disabled"}
        unit |= {"Result": "success", "NRestarts": "0", "CanReload": "yes", **self.units.get(name, {})}
        return "\n".join(f"{key}={value}" for key, value in {"Id": name, **unit}.items())


_EFFECTS: Mapping[str, dict[str, str]] = {
    "start": {"ActiveState": "active", "SubState": "running"},
    "restart": {"ActiveState": "active", "SubState": "running"},
    "reload": {},
    "try-reload-or-restart": {},
    "stop": {"ActiveState": "inactive", "SubState": "dead"},
    "enable": {"UnitFileState": "enabled"},
    "disable": {"UnitFileState": "disabled"},
    "daemon-reload": {},
    "reset-failed": {"Result": "success"},
    "unmask": {"UnitFileState": "disabled"},
}


class Node:
    """A node, and the verbs as a deployer would use them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.systemd = Played()
        self.said: list[str] = []
        for folder in ("etc", "var/lib", "run"):
            (root / folder).mkdir(parents=True)

    @property
    def host(self) -> Host:
        """The node for one verb; nothing is remembered from one to the next but what is on disk."""
        return Host(str(self.root), self.systemd)

    @property
    def events(self) -> Events:
        return Events(self.said.append)

    def apply(
        self,
        document: Mapping[str, Any],
        secrets: Mapping[str, str] | None = None,
        previous_secrets: Mapping[str, str] | None = None,
        hosts: Mapping[str, str] | None = None,
        last_good: str | None = None,
        blobs: Sequence[str] = (),
        accept_within: int = 0,
    ) -> dict[str, Any]:
        self.systemd.commands.clear()
        before = previous_secrets if previous_secrets is not None else secrets or {}
        request = Apply(document, secrets or {}, before, hosts or {}, "id", last_good, tuple(blobs), accept_within)
        return self._answered(request)

    def accept(
        self, document: Mapping[str, Any], *, last_good: str | None = None, blobs: Sequence[str] = (), **request: Any
    ) -> dict[str, Any]:
        from soop_components.runner.accept import accept

        event = self.apply(document, last_good=last_good, blobs=blobs, **request)
        assert event["event"] == "result", event
        accept(self.host, Accept(document["plan_digest"], tuple(blobs), last_good))
        return event

    def roll_back(self, secrets: Mapping[str, str] | None = None, last_good: str | None = None) -> dict[str, Any]:
        return self._answered(Rollback(secrets or {}, {}, "id", last_good))

    def restart(self, secrets: Mapping[str, str] | None = None, last_good: str | None = None) -> dict[str, Any]:
        self.systemd.commands.clear()
        return self._answered(Restart(secrets or {}, {}, "id", last_good))

    def _answered(self, request: Lasting) -> dict[str, Any]:
        """Return the last event, with its changes in words."""
        events = self.events
        events.write(applying.apply(self.host, request, events))
        said: dict[str, Any] = json.loads(self.said[-1])
        if "changes" in said:
            said["changes"] = [change_in_words(Change(**change)) for change in said["changes"]]
        return said

    def status(self) -> NodeStatus:
        return status(self.host)

    def drift(self) -> list[str]:
        return [drift_in_words(drift) for drift in self.status().drift]

    def pending(self, document: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> list[str]:
        """Return what an apply would change."""
        return [change_in_words(change) for change in self.inspected(document, secrets).changes]

    def inspected(self, document: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> Inspected:
        """Look at the node, as an apply of the document would find it."""
        return inspect(self.host, Inspect(document, secrets or {}), self.events)

    def receive(self, *blobs: bytes) -> None:
        from soop_components.runner.blobs import Blobs

        Blobs(self.host).receive(io.BytesIO(stream(*blobs)))

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        return self.path(path).read_text()


def change_in_words(change: Change) -> str:
    return f"{change.action} {change.kind} {change.subject}"


def document(
    version: str = "3.2.3",
    order: Sequence[str] = (),
    packages: Any = None,
    disk: str | None = None,
    base_packages: Sequence[str] = (),
    **components: Any,
) -> dict[str, Any]:
    """Return a document with these components."""
    plan = {"packages": packages or {}, "components": components, "order": list(order or components), "disk": disk}
    if base_packages:
        plan["base_packages"] = list(base_packages)
    head = {"format": 1, "service": "access-service", "version": version, "digest": sha256(b"manifest")}
    preceding = {**head, "role": "web", "node": NODE, "plan": plan}
    return {**preceding, "plan_digest": digest_of(preceding)}


def file(content: str | None, **more: Any) -> dict[str, Any]:
    """Return a rendered file of the plan."""
    return {"content": content, **ME, **more}


def script(name: str, content: str, **more: Any) -> dict[str, Any]:
    """Return a shell script of the plan that runs as whoever runs the tests."""
    return {"name": name, "content": f"#!/bin/sh\n{content}\n", "user": USER, **more}


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def tar(files: Mapping[str, bytes]) -> bytes:
    """Return a component's blob."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def stream(*blobs: bytes) -> bytes:
    """Return blobs as they travel."""
    return b"".join(f"{sha256(blob)} {len(blob)}\n".encode() + blob for blob in blobs)
