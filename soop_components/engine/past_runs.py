"""The runs of a stack: Pulumi's own history, with what was noted beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from soop_components.engine.history import UPDATES
from soop_components.history.notes import Note, Outcome
from soop_components.model.names import Reference

_SECOND = timedelta(seconds=1)
"""Pulumi's history has whole seconds."""
UNKNOWN = "not recorded"
"""Result of a run that Pulumi's history does not have: it is under way, or the engine was killed."""


@dataclass(frozen=True)
class ServiceRun:
    """What a run did, or tried, with a service."""

    service: str
    version: str
    before: str | None
    """The version that was accepted until then, where that is known."""
    digest: str | None
    result: str
    """An ``Outcome``; where nothing was noted of the service, the result of the run."""
    reason: str | None = None


@dataclass(frozen=True)
class PastRun:
    """One update or destruction of a domain."""

    kind: str
    result: str
    """Pulumi's ``succeeded`` or ``failed``, or ``UNKNOWN``."""
    started: datetime
    ended: datetime | None
    who: str | None
    commit: str | None
    """What was checked out."""
    message: str | None
    services: tuple[ServiceRun, ...]
    reasons: tuple[str, ...]
    """Why it failed besides its services: a machine, a mistake in a definition."""


@dataclass(frozen=True)
class _Entry:
    """A run in Pulumi's history; ``versions`` are what its configuration asked for."""

    kind: str
    result: str
    started: datetime
    ended: datetime
    commit: str | None
    message: str | None
    versions: Mapping[str, str]

    def covers(self, note: Note) -> bool:
        return self.started <= note.time < self.ended + _SECOND


def past_runs(history: Iterable[Mapping[str, Any]], notes: Sequence[Note]) -> tuple[PastRun, ...]:
    """Return the runs out of the engine's records, newest first, and those that are only noted."""
    entries = list(_entries(history))[::-1]
    digests = {(note.subject, note.version): note.digest for note in notes}
    notes_of = _notes_of(notes, entries)
    runs = [_unrecorded(group) for group in _groups(notes_of.get(None, ()), entries)]
    accepted: dict[str, str] = {}
    for index, entry in enumerate(entries):
        its = notes_of.get(index, ())
        runs.append(_run(entry, its, accepted, digests))
        accepted = _accepted(entry, its, accepted)
    return tuple(sorted(runs, key=lambda run: run.started)[::-1])


def _notes_of(notes: Sequence[Note], entries: Sequence[_Entry]) -> dict[int | None, list[Note]]:
    """Return notes by the index of their run's entry; None: it has none. What is older than all entries is left out.

    Entries have whole seconds, so that several may cover a note: an update's first one, ``BEGUN``, is of the newest of
    them, and those after it are of the same run.
    """
    found: dict[int | None, list[Note]] = {}
    run: int | None = None
    for note in sorted(notes, key=lambda note: note.time):
        if entries and note.time <= entries[0].started:
            continue
        covering = [index for index, entry in enumerate(entries) if entry.covers(note)]
        if note.outcome is Outcome.BEGUN or run not in covering:
            run = covering[-1] if covering else None
        found.setdefault(run, []).append(note)
    return found


def _entries(history: Iterable[Mapping[str, Any]]) -> Iterator[_Entry]:
    for entry in history:
        if entry["kind"] in UPDATES:
            yield _Entry(
                entry["kind"],
                entry["result"],
                datetime.fromisoformat(entry["startTime"]),
                datetime.fromisoformat(entry["endTime"]),
                entry.get("environment", {}).get("git.head"),
                entry.get("message") or None,
                _versions(entry.get("config", {}).get("soop:services", {}).get("objectValue")),
            )


def _versions(services: object) -> dict[str, str]:
    """Return the versions that a configuration named, as far as it made sense."""
    found: dict[str, str] = {}
    for service in services if isinstance(services, list) else ():
        with suppress(ValueError, TypeError, KeyError):
            reference = Reference.parse(service["service"])
            found[reference.service] = reference.version
    return found


def _run(
    entry: _Entry,
    notes: Sequence[Note],
    before: Mapping[str, str],
    digests: Mapping[tuple[str, str | None], str | None],
) -> PastRun:
    services = list(_services(notes))
    noted = {each.service for each in services}
    asked = {} if entry.kind == "destroy" else entry.versions
    services += [
        ServiceRun(service, version, before.get(service), digests.get((service, version)), entry.result)
        for service, version in asked.items()
        if service not in noted and before.get(service) != version
    ]
    return PastRun(
        entry.kind,
        entry.result,
        entry.started,
        entry.ended,
        notes[0].who if notes else None,
        entry.commit,
        entry.message,
        tuple(services),
        _reasons(notes),
    )


def _unrecorded(notes: Sequence[Note]) -> PastRun:
    kind = "update" if any(note.outcome is Outcome.BEGUN for note in notes) else "destroy"
    first = notes[0]
    services = tuple(_services(notes))
    return PastRun(kind, UNKNOWN, first.time, None, first.who, None, None, services, _reasons(notes))


def _services(notes: Iterable[Note]) -> Iterator[ServiceRun]:
    for note in notes:
        if note.version:
            yield ServiceRun(note.subject, note.version, note.before, note.digest, note.outcome, note.reason)


def _reasons(notes: Iterable[Note]) -> tuple[str, ...]:
    return tuple(f"{note.subject}: {note.reason}" for note in notes if note.reason and not note.version)


def _accepted(entry: _Entry, notes: Sequence[Note], before: Mapping[str, str]) -> dict[str, str]:
    """Return the versions that were accepted after a run."""
    if entry.result == "succeeded":
        return {} if entry.kind == "destroy" else dict(entry.versions)
    noted = {note.subject: note.version for note in notes if note.version and note.outcome is Outcome.ACCEPTED}
    return {**before, **noted}


def _groups(notes: Sequence[Note], entries: Sequence[_Entry]) -> list[list[Note]]:
    """Return notes by run: one begins where a program ran, or where another run is between."""
    groups: list[list[Note]] = []
    for note in notes:
        is_new = not groups or note.outcome is Outcome.BEGUN
        if not is_new:
            is_new = any(groups[-1][-1].time < entry.started <= note.time for entry in entries)
        if is_new:
            groups.append([])
        groups[-1].append(note)
    return groups
