"""One plan being carried out: what it needs to know, and what it has changed so far."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from soop_components.runner.blobs import Blobs
from soop_components.runner.canonical import canonical
from soop_components.runner.document import Document
from soop_components.runner.events import Events
from soop_components.runner.host import Host
from soop_components.runner.ledger import DirectoryRecord
from soop_components.runner.marks import holds_secret, put_secrets


class Work:
    """Travels through the steps. Without ``secrets`` nothing can be written, only compared."""

    def __init__(
        self,
        host: Host,
        document: Document,
        events: Events,
        secrets: Mapping[str, str] | None = None,
        older_allowed: bool = False,
        returning: bool = False,
    ) -> None:
        self.host = host
        self.document = document
        self.events = events
        self.secrets = secrets
        self.older_allowed = older_allowed or returning
        """Whether packages may go back to versions older than what the host has."""
        self.returning = returning
        """Whether this is the way back after another document failed."""
        self.ledger = host.ledger()
        self._saved = canonical(self.ledger.to_json())
        self.blobs = Blobs(host)
        self.since = time.time()
        """When it was begun; what the journal says from then on is about it."""
        self.begun = False
        """Whether anything may have been changed."""
        self.changes: list[str] = []
        self.goals: dict[str, list[Any]] = {}
        """For each component, its files as they shall be (``files.Goal``)."""
        self.started: dict[str, float] = {}
        """Units that were started or restarted, and when."""
        self.cgroups: dict[str, str] = {}
        """The control groups of units, empty for one that did not run."""
        self.considered: dict[str, set[str]] = {}
        """For each unit, the changes it was restarted for, or not."""
        self.known_to_systemd: set[str] = set()
        """The changes after which systemd has read its files again."""

    def changed(self, what: str) -> None:
        """Note a change, in words."""
        self.changes.append(what)

    def touch(self, things: Iterable[str]) -> None:
        """Remember, also after being killed, what is about to change, so that units that depend on it are restarted."""
        self.ledger.changing.update(things)
        self.unsettle()

    def unsettle(self) -> None:
        """Remember, before the first change, that the node is neither what it was nor what it shall be."""
        self.ledger.unfinished = True
        self.save()

    def folder_made(self, path: str) -> None:
        """Note a folder that had to be made on the way to something else."""
        self.ledger.directories.setdefault(path, DirectoryRecord(created=True))

    def save(self) -> None:
        """Write the ledger unless it says the same as before."""
        if (now := canonical(self.ledger.to_json())) != self._saved:
            self.host.store("ledger.json", self.ledger.to_json())
            self._saved = now

    def render(self, text: str) -> bytes | None:
        """Return a text as it is on the node; None when it holds secrets that we do not know."""
        if not holds_secret(text):
            return text.encode()
        return None if self.secrets is None else put_secrets(text, self.secrets).encode()

    def identity(self, text: str) -> tuple[str, str | None]:
        """Return the hash of a text with its marks, and of what it becomes (None when unknown)."""
        rendered = self.render(text)
        return self.host.hash(text.encode()), None if rendered is None else self.host.hash(rendered)
