"""Notes, beside the state, how the operations of a run ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from soop_components.errors import SoopError
from soop_components.history.notes import Note, Notes, Outcome
from soop_components.project import Project
from soop_components.provider.resource import Resource
from soop_components.provider.wire import Properties, secrets_in
from soop_components.release.verdict import ReleaseFailed
from soop_components.release.wording import without_secrets


@contextmanager
def noted(
    urn: str,
    resource: Resource,
    wanted: Properties,
    inputs: Properties | None = None,
    outputs: Properties | None = None,
    *,
    success: Outcome = Outcome.ACCEPTED,
) -> Iterator[None]:
    """Note what an operation did to the artifacts of a resource, or that it failed, and why.

    ``inputs`` and ``outputs`` are what the resource had before.
    """
    accepted = {artifact.service: artifact.version for artifact in resource.artifacts(outputs or {})}
    artifacts = resource.artifacts(wanted)
    notes = [Note(service, success, version, accepted.get(service), digest) for service, version, digest in artifacts]
    try:
        yield
    except BaseException as error:
        outcome = _outcome(error)
        reason = without_secrets(_said(error), secrets_in([inputs, outputs, wanted]))
        notes = notes or [Note(f"{resource.kind.rsplit(':', 1)[-1]} {urn.rsplit('::', 1)[-1]}", outcome)]
        _add(urn, [replace(note, outcome=outcome, reason=reason) for note in notes])
        raise
    _add(urn, notes)


def _outcome(error: BaseException) -> Outcome:
    if isinstance(error, ReleaseFailed) and error.held:
        return Outcome.HELD
    return Outcome.ROLLED_BACK if isinstance(error, ReleaseFailed) and error.rolled_back else Outcome.FAILED


def _said(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "the engine was killed meanwhile"
    return str(error) if isinstance(error, SoopError) else f"unexpected failure: {error!r}"


def _add(urn: str, notes: Sequence[Note]) -> None:
    if notes:
        stack, project = urn.split("::")[:2]
        of_stack = Notes.of(Project.find(), project, stack.removeprefix("urn:pulumi:"))
        for note in notes:
            of_stack.add(note)
