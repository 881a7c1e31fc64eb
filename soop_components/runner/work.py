"""One document being applied: what is wanted, what is known, and what was changed so far."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from soop_components.runner.blobs import Blobs
from soop_components.runner.document import Document
from soop_components.runner.events import Events
from soop_components.runner.host import Host
from soop_components.runner.ledger import DirectoryRecord
from soop_components.runner.marks import put_secrets
from soop_components.runner.plan import File, Script
from soop_components.runner.touched import Touched, What
from soop_components.runner.typed_json import canonical
from soop_components.runner.vocabulary import Action, Change, Kind

if TYPE_CHECKING:  # these modules need this one
    from soop_components.runner.dpkg import Installed
    from soop_components.runner.files import Goal
    from soop_components.runner.relations import Control


class Work:
    """Shared by all steps."""

    def __init__(
        self,
        host: Host,
        document: Document,
        events: Events,
        secrets: Mapping[str, str],
        *,
        rolling_back: bool = False,
        restarting: bool = False,
    ) -> None:
        self.host = host
        self.document = document
        self.events = events
        self.secrets = secrets
        self.rolling_back = rolling_back
        """Whether this is the accepted document, applied again after another one failed."""
        self.restarting = restarting
        """Whether services are restarted although nothing that they depend on has changed."""
        self.ledger = host.ledger()
        self._saved = canonical(self.ledger.to_json())
        self.blobs = Blobs(host)
        self.since = time.time()
        """When it was begun; later lines of the journal belong to it."""
        self.on_begin: Callable[[], None] = lambda: None
        """What is done right before the first change."""
        self.begun = False
        """Whether anything may have been changed."""
        self.changes: list[Change] = []
        self.installed: Mapping[str, Installed] | None = None
        """dpkg's answer, until a package is removed."""
        self.controls: dict[str, Control] = {}
        """What archives of packages say of themselves, by name."""
        self.goals: dict[str, list[Goal]] = {}
        """For each component, its files as they should be."""
        self.started: dict[str, float] = {}
        """Units that were started, restarted or reloaded, and when."""
        self.restarts: dict[str, int] = {}
        """How often systemd itself had started them before."""
        self.cgroups: dict[str, str] = {}
        """The control groups of units, empty for one that did not run."""
        self.ran: set[str] = set()
        """Scripts that were run."""
        self.considered: dict[str, set[Touched]] = {}
        """For each unit and script, the changes after which it was restarted or run, or need not be."""
        self.known_to_systemd: set[Touched] = set()
        """The changes after which systemd has read its files again."""

    def changed(self, kind: Kind, subject: str, action: Action) -> None:
        """Note a change that was made."""
        self.changes.append(Change(kind, subject, action))

    def begin_change(self, names: Iterable[str] = (), what: What = "path") -> None:
        """Record, before a change, that the apply is unfinished, and what is about to change."""
        self.touch([Touched(what, name) for name in names])

    def touch(self, touched: Collection[Touched]) -> None:
        """Record what changes, so that after a kill the next apply restarts the units that depend on it."""
        self.ledger.changing.update(touched)
        for seen in (self.known_to_systemd, *self.considered.values()):  # some may change for the second time
            seen.difference_update(touched)
        self.ledger.unfinished = True
        self.save()

    def folder_made(self, path: str) -> None:
        """Note a folder that had to be made on the way to something else."""
        self.ledger.directories.setdefault(path, DirectoryRecord.made())

    def save(self) -> None:
        """Write the ledger if it has changed."""
        if (now := canonical(self.ledger.to_json())) != self._saved:
            self.host.store("ledger.json", self.ledger.to_json())
            self._saved = now

    def disk(self) -> str | None:
        """Return the folder of the node's disk; None if it has none, or none is there."""
        mount = self.document.disk
        found = self.host.places.look(mount) if mount else None
        return mount if found is not None and stat.S_ISDIR(found.st_mode) else None

    def content(self, blob: str | None, of: File | Script) -> Iterable[bytes]:
        """Return the bytes of a file or a program: a text with its secrets, or what is in a blob."""
        if of.content is not None:
            return (self.render(of.content),)
        if isinstance(of, File) and of.own_blob is not None:
            return self.blobs.whole(of.own_blob)
        return self.blobs.member(blob, of.source or "", of.digest)

    def render(self, text: str) -> bytes:
        """Return a text as it is on the node, with its secrets."""
        return put_secrets(text, self.secrets).encode()

    def hashes(self, text: str) -> tuple[str, str]:
        """Return the hash of a text with its marks, and of the text with its secrets."""
        return self.host.hash(text.encode()), self.host.hash(self.render(text))
