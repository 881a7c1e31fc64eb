"""The ledger: what the runner manages on this node, as the last apply left it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, get_origin, get_type_hints

from soop_components.runner.plan import UNIT_FOLDER

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
        """Read what ``to_json`` made, which JSON has turned from tuples and sets into lists; else ``ValueError``."""
        ledger = cls()
        if raw.get("format", 1) != 1:
            raise ValueError("another format")
        for name in vars(ledger).keys() & raw.keys():
            value = raw[name]
            if not _has_type(value, getattr(ledger, name)):
                raise ValueError(name)
            if kind := _RECORDS.get(name):
                if not all(_fits(kind, record) for record in value.values()):
                    raise ValueError(name)
                value = {key: kind(*map(_tuple, record)) for key, record in value.items()}
            elif name in ("links", "absent", "changing") and not all(
                isinstance(item, str) for item in (value.values() if name == "links" else value)
            ):
                raise ValueError(name)
            setattr(ledger, name, set(value) if name in ("absent", "changing") else _tuple(value))
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


_RECORDS: Mapping[str, Callable[..., Any]] = {
    "files": FileRecord,
    "directories": DirectoryRecord,
    "units": UnitRecord,
    "users": UserRecord,
    "packages": PackageRecord,
    "scripts": ScriptRecord,
}


_JSON_TYPES: Mapping[type, Any] = {dict: dict, set: list, bool: bool}


def _has_type(value: Any, like: Any) -> bool:
    """Return whether a JSON value can be what another value was made of."""
    return isinstance(value, _JSON_TYPES.get(type(like), (dict, list, type(None))))


def _fits(kind: Any, record: Any) -> bool:
    """Return whether a record has the fields of its kind."""
    types = _types(kind)
    return (
        isinstance(record, list)
        and len(types) - len(kind._field_defaults) <= len(record) <= len(types)
        and all(map(isinstance, record, types))
    )


@cache
def _types(kind: Any) -> list[Any]:
    hints = get_type_hints(kind).values()
    return [list if get_origin(hint) is tuple else hint for hint in hints]


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
