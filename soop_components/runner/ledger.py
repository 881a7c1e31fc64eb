"""The ledger: what the runner manages on this node, as the last apply left it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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


class UnitRecord(NamedTuple):
    """A unit as we left it."""

    ours: bool
    enabled: bool
    state: str


class UserRecord(NamedTuple):
    """A user we made, or whose groups we added to."""

    created: bool
    groups: tuple[str, ...]


class PackageRecord(NamedTuple):
    """A package we installed, and the version that was there before us."""

    version: str
    before: str | None
    architecture: str


class ScriptRecord(NamedTuple):
    """A script that succeeded: identity of its input, without and with its secrets."""

    text: str
    hash: str


class Ledger:
    """Read and written as a whole."""

    def __init__(self) -> None:
        self.files: dict[str, FileRecord] = {}
        self.links: dict[str, str] = {}
        self.absent: set[str] = set()
        self.directories: dict[str, DirectoryRecord] = {}
        self.units: dict[str, UnitRecord] = {}
        self.users: dict[str, UserRecord] = {}
        self.packages: dict[str, PackageRecord] = {}
        self.scripts: dict[str, ScriptRecord] = {}
        self.unfinished = False
        """Whether something was changed since the last apply that succeeded."""
        self.changing: set[str] = set()
        """What was touched since then: paths, with a slash at the end where something at or below one was seen to
        change; packages that were upgraded (``package:``), ``removed:``, or told of others (``triggered:``); units
        that are ``new:``, and what packages ask of units (``restart:``, ``reload:``, ``stop:``)."""
        self.installing: dict[str, Any] | None = None
        """``{"boot", "packages"}`` while dpkg runs without waiting for the disk."""
        self.dpkg_status: Stat | None = None
        """State of dpkg's database when all packages were right: as long as it stays, dpkg need not be asked."""

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Ledger:
        """Read what ``to_json`` made, which JSON has turned from tuples and sets into lists."""
        ledger = cls()
        for name in vars(ledger).keys() & raw.keys():
            value = raw[name]
            if kind := _RECORDS.get(name):
                value = {key: kind(*map(_tuple, record)) for key, record in value.items()}
            setattr(ledger, name, set(value) if name in ("absent", "changing") else _tuple(value))
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


_RECORDS: Mapping[str, Callable[..., Any]] = {
    "files": FileRecord,
    "directories": DirectoryRecord,
    "units": UnitRecord,
    "users": UserRecord,
    "packages": PackageRecord,
    "scripts": ScriptRecord,
}


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
