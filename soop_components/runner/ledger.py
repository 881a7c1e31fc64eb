"""The ledger: what the runner manages on this node, as the last apply left it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from soop_components.runner.plan import UNIT_FOLDER
from soop_components.runner.touched import Touched
from soop_components.runner.typed_json import hints_of, value_of

Stat = tuple[int, int, int, int]
"""Size, time of content in ns, inode, time of change in ns: as long as they stay, a file needs not be read."""


class FileRecord(NamedTuple):
    """A file as we wrote it."""

    text: str
    """Identity of the plan's text: the digest of a member of a blob, or the hash of the text with its secret marks."""
    hash: str
    """Of the bytes written; keyed, since they may hold a secret."""
    mode: str
    owner: str
    group: str
    stat: Stat


class DirectoryRecord(NamedTuple):
    """A folder as we left it; ``mode`` is null when the plan only needed it to be there."""

    created: bool
    mode: str | None = None
    owner: str = "root"
    group: str = "root"
    mode_before: int | None = None
    """What it had before the plan gave it a mode, and its owner by number."""
    uid_before: int = 0
    gid_before: int = 0

    @classmethod
    def made(cls) -> DirectoryRecord:
        """Return the record of a folder that we make, before the plan gives it a mode."""
        return cls(True, mode_before=0o755, uid_before=os.geteuid(), gid_before=os.getegid())


class UnitRecord(NamedTuple):
    """A unit as we left it."""

    ours: bool
    enabled: bool
    state: str


class UserRecord(NamedTuple):
    """A user we made, or whose groups we added to; None is what stays as somebody else has made it."""

    created: bool
    groups: tuple[str, ...]
    home: str | None = None
    shell: str | None = None
    home_before: str | None = None
    """What somebody else's user had before the plan gave it another."""
    shell_before: str | None = None


class PackageRecord(NamedTuple):
    """A package we installed, and the version that was there before us."""

    version: str
    before: str | None
    architecture: str


class ScriptRecord(NamedTuple):
    """A script that succeeded: identity of its input, without and with its secrets."""

    text: str
    hash: str


class Installing(NamedTuple):
    """Packages that dpkg is given, without waiting for the disk, since this start of the machine."""

    boot: str
    packages: tuple[str, ...]


class Ledger:
    """Read and written as a whole."""

    files: dict[str, FileRecord]
    links: dict[str, str]
    absent: set[str]
    directories: dict[str, DirectoryRecord]
    units: dict[str, UnitRecord]
    users: dict[str, UserRecord]
    packages: dict[str, PackageRecord]
    scripts: dict[str, ScriptRecord]
    answers: dict[str, str]
    """Answers that debconf was given, by question: hashes, keyed as those of files."""
    reconfigure: set[str]
    """Packages that were configured before an answer to one of their questions has changed."""
    unfinished: bool
    """Whether something was changed since the last apply that succeeded."""
    changing: set[Touched]
    """What was touched since then."""
    installing: Installing | None
    """What dpkg is at work on."""
    dpkg_status: Stat | None
    """State of dpkg's database when all packages were right: as long as it stays, dpkg need not be asked."""

    def __init__(self) -> None:
        self.files, self.links, self.directories, self.units = {}, {}, {}, {}
        self.users, self.packages, self.scripts = {}, {}, {}
        self.absent, self.changing, self.reconfigure = set(), set(), set()
        self.answers = {}
        self.unfinished = False
        self.installing = self.dpkg_status = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Ledger:
        """Read what ``to_json`` made, which JSON has turned from tuples and sets into lists; else ``ValueError``."""
        ledger, types = cls(), hints_of(cls)
        if raw.get("format", 1) != 1:
            raise ValueError("another format")
        for name in types.keys() & raw.keys():
            setattr(ledger, name, value_of(types[name], raw[name], name))
        modes = [*(file.mode for file in ledger.files.values()), *(each.mode for each in ledger.directories.values())]
        for mode in modes:
            int("0" if mode is None else mode, 8)  # what is no mode is a ``ValueError``, too
        return ledger

    @classmethod
    def of_plans(cls, plans: Iterable[Mapping[str, Any]]) -> Ledger:
        """Return what is known of a node whose ledger was lost: what the plans have, in an unknown condition.

        Packages and users that the plans have count as there before us, and stay.
        """
        ledger = cls()
        ledger.unfinished = True
        for component in (part for plan in plans for part in (plan.get("components") or {}).values()):
            units = component.get("units") or {}
            unit_files = (f"{UNIT_FOLDER}/{name}" for name, unit in units.items() if unit.get("content") is not None)
            for path in (*(component.get("files") or {}), *unit_files):
                ledger.files[path] = FileRecord("", "", "0000", "", "", (0, 0, 0, 0))
            for path, link in (component.get("links") or {}).items():
                ledger.links[path] = link["target"]
            for name in units:
                ledger.units[name] = UnitRecord(units[name].get("content") is not None, False, "")
        return ledger

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        parts = {name: sorted(part) if isinstance(part, set) else part for name, part in vars(self).items()}
        return {"format": 1, **parts}

    @property
    def paths(self) -> set[str]:
        """Every path we manage except folders."""
        return {*self.files, *self.links, *self.absent}

    def disown(self, path: str) -> None:
        """Forget what a path was."""
        self.files.pop(path, None)
        self.links.pop(path, None)
        self.absent.discard(path)
