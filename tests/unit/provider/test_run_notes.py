"""What is noted of operations: of services what became of them, of other resources failures, and never a secret."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.history.notes import Note, Notes, Outcome
from soop_components.provider.key import KeyResource
from soop_components.provider.release import ReleaseResource
from soop_components.provider.rollouts import Rollouts
from soop_components.provider.run_notes import noted
from soop_components.provider.wire import Properties
from soop_components.release.verdict import ReleaseFailed
from soop_components.secret import Secret

URN = "urn:pulumi:dev-one::ours::soop:index:Domain$soop:index:Service$soop:index:Release::shop"
TRIED: Properties = {"service": "shop", "version": "2.0.0", "digest": "sha256:2"}
WANTED: Properties = {**TRIED, "secrets": {"key": Secret("s3cr et")}}
RUNNING: Properties = {"service": "shop", "version": "1.0.0", "digest": "sha256:1"}
OLD: Properties = {**RUNNING, "secrets": Secret({"key": "0ld one"})}
RELEASE = ReleaseResource(Rollouts())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: ours\n")
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def notes(folder: Path) -> list[Note]:
    return list(Notes(folder / ".soop/state", "ours", "dev-one").read())


def test_a_success_names_the_version_before(folder: Path) -> None:
    with noted(URN, RELEASE, WANTED, OLD, RUNNING):
        pass
    (note,) = notes(folder)
    assert (note.subject, note.outcome, note.version, note.before, note.digest) == (
        "shop",
        Outcome.ACCEPTED,
        "2.0.0",
        "1.0.0",
        "sha256:2",
    )


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (ReleaseFailed("no", rolled_back=True), Outcome.ROLLED_BACK, "no"),
        (ReleaseFailed("no"), Outcome.FAILED, "no"),
        (ReleaseFailed("no", held=True), Outcome.HELD, "no"),
        (SoopError('it said: s3cr et, "0ld one"', "s3cr"), Outcome.FAILED, 'it said: [secret], "[secret]"\n  s3cr'),
        (ValueError("s3cr et"), Outcome.FAILED, "unexpected failure: ValueError('[secret]')"),
        (asyncio.CancelledError(), Outcome.FAILED, "the engine was killed meanwhile"),
    ],
)
def test_a_failure_has_its_reason_without_secrets(
    folder: Path, error: BaseException, outcome: Outcome, reason: str
) -> None:
    with pytest.raises(type(error)), noted(URN, RELEASE, WANTED, OLD, RUNNING):
        raise error
    assert [(note.outcome, note.reason) for note in notes(folder)] == [(outcome, reason)]
    assert "s3cr et" not in (folder / ".soop/state/notes/ours/dev-one.jsonl").read_text()


def test_what_was_never_accepted_has_no_version_before(folder: Path) -> None:
    with noted(URN, RELEASE, WANTED, WANTED, {"service": "shop", "status": {}}):
        pass
    assert [note.before for note in notes(folder)] == [None]


def test_of_other_resources_only_failures(folder: Path) -> None:
    with noted(URN, KeyResource(), {}):
        pass
    assert notes(folder) == []
    with pytest.raises(SoopError), noted(URN, KeyResource(), {}):
        raise SoopError("no space left")
    assert [(note.subject, note.reason) for note in notes(folder)] == [("Key shop", "no space left")]
