"""Notes beside the state: who ran something, which digests were rolled out, why a version was not accepted.

Pulumi's history has none of that, under a plain ``pulumi up`` neither. A file of JSON lines per stack, bounded; whoever
writes holds the engine's lock on the stack. Nothing in it is a secret.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from soop_components.errors import printable
from soop_components.project import Project
from soop_components.whole_file import write_whole

_HEAD, _TAIL = 2000, 4000
"""Characters of a reason: what failed is said at its beginning, what a program said last near its end."""
_MOST_BYTES = 256 << 10
"""Of a file; when it has grown beyond, the older half of it is dropped."""
_PEOPLE = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "SUDO_USER")
"""Variables with the person for whom continuous integration, or root, runs something."""


class Outcome(StrEnum):
    """What a note says of its subject."""

    BEGUN = "begun"
    """Of the domain: its program ran for an update."""
    ACCEPTED = "accepted"
    ROLLED_BACK = "rolled back"
    HELD = "not rolled back"
    """It failed, and nodes stay as they are: the version before does not run on what there is now."""
    FAILED = "failed"
    REMOVED = "removed"


@dataclass(frozen=True)
class Note:
    """One thing that happened in a run."""

    subject: str
    """A service, the domain, or the name of another resource that failed."""
    outcome: Outcome
    version: str | None = None
    before: str | None = None
    """The version that was accepted until then."""
    digest: str | None = None
    reason: str | None = None
    who: str = ""
    at: str = ""
    """When it ended; ISO 8601."""

    @property
    def time(self) -> datetime:
        """When it ended."""
        return datetime.fromisoformat(self.at)


class Notes:
    """The notes on one stack."""

    def __init__(self, folder: Path, name: str, stack: str) -> None:
        self._path = folder / "notes" / name / f"{stack}.jsonl"

    @classmethod
    def of(cls, project: Project, name: str, stack: str) -> Notes:
        """Return those on a stack of this process's backend; they lie in .soop where that is no folder."""
        return cls(project.folder_of(project.backend) or project.home, name, stack)

    def add(self, note: Note, environ: Mapping[str, str] | None = None) -> None:
        """Add a note with the time and who this is; what cannot be written stops no deployment."""
        fields = asdict(note) | {
            "reason": _short(note.reason),
            "who": who(os.environ if environ is None else environ),
            "at": datetime.now(UTC).isoformat(),
        }
        line = json.dumps({key: value for key, value in fields.items() if value is not None}, ensure_ascii=False)
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with open(descriptor, "ab") as file:
                file.write(line.encode(errors="replace") + b"\n")
            if self._path.stat().st_size > _MOST_BYTES:
                _drop_older_half(self._path)

    def read(self) -> tuple[Note, ...]:
        """Return what was noted, oldest first; a line that was cut off is left out."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        return tuple(_parsed(lines))

    def remove(self) -> None:
        """Forget all."""
        self._path.unlink(missing_ok=True)


def who(environ: Mapping[str, str]) -> str:
    """Return ``user@host``; in continuous integration the user is the person for whom it runs."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    named = next((environ[name] for name in _PEOPLE if environ.get(name)), user)
    return f"{named}@{socket.gethostname()}"


def _parsed(lines: Iterable[bytes]) -> Iterable[Note]:
    for line in lines:
        with suppress(ValueError, TypeError):
            fields = json.loads(line)
            note = Note(**{**fields, "outcome": Outcome(fields["outcome"])})
            if note.time.tzinfo:
                yield note


def _short(reason: str | None) -> str | None:
    text = reason and printable(reason)
    return text if text is None or len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} … {text[-_TAIL:]}"


def _drop_older_half(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    write_whole(path, b"".join(lines[len(lines) // 2 :]))
