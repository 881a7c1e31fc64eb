"""Pulumi's history and the notes beside it, put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from soop_components.engine.past_runs import UNKNOWN, PastRun, ServiceRun, past_runs
from soop_components.history.notes import Note, Outcome

DAY = datetime(2026, 11, 24, tzinfo=UTC)


def at(second: float) -> str:
    return (DAY + timedelta(seconds=second)).isoformat()


def entry(start: int, end: int, result: str = "succeeded", kind: str = "update", **versions: str) -> dict[str, Any]:
    services = [{"service": f"{service}-{version}"} for service, version in versions.items()]
    config = {"soop:services": {"value": "", "objectValue": services}, "soop:secrets": {"secret": True}}
    times = {"startTime": at(start), "endTime": at(end)}
    return {"kind": kind, "result": result, **times, "config": config, "environment": {"git.head": "c0ffee"}}


def note(second: float, subject: str, outcome: Outcome, version: str | None = None, **more: str) -> Note:
    return Note(subject, outcome, version, who="ann@here", at=at(second), **more)


def runs(entries: list[dict[str, Any]], *notes: Note) -> tuple[PastRun, ...]:
    return past_runs(entries[::-1], notes)


def test_nothing_yet() -> None:
    assert past_runs([], ()) == ()


def test_an_update_that_was_rolled_back_has_its_reason_and_keeps_the_version_before() -> None:
    found = runs(
        [entry(10, 12, shop="1.0.0"), entry(12, 20, "failed", shop="2.0.0"), entry(30, 40, shop="2.1.0")],
        note(11, "dev", Outcome.BEGUN),
        note(12.9, "shop", Outcome.ACCEPTED, "1.0.0", digest="sha256:1"),
        note(13.1, "dev", Outcome.BEGUN),
        note(20.9, "shop", Outcome.ROLLED_BACK, "2.0.0", before="1.0.0", digest="sha256:2", reason="not healthy"),
    )
    assert [run.services for run in found] == [
        (ServiceRun("shop", "2.1.0", "1.0.0", None, "succeeded"),),
        (ServiceRun("shop", "2.0.0", "1.0.0", "sha256:2", "rolled back", "not healthy"),),
        (ServiceRun("shop", "1.0.0", None, "sha256:1", "accepted"),),
    ]
    assert [run.who for run in found] == [None, "ann@here", "ann@here"]
    assert found[1].ended == DAY + timedelta(seconds=20)
    assert found[1].commit == "c0ffee"


def test_runs_within_one_second_are_told_apart() -> None:
    found = runs(
        [entry(10, 12, shop="1.0.0"), entry(12, 20, "failed", shop="2.0.0"), entry(20, 20, "failed", shop="2.0.0")],
        note(10.5, "dev", Outcome.BEGUN),
        note(12.3, "shop", Outcome.ACCEPTED, "1.0.0"),
        note(12.6, "dev", Outcome.BEGUN),
        note(12.9, "shop", Outcome.ROLLED_BACK, "2.0.0", before="1.0.0", reason="not healthy"),
        note(20.4, "dev", Outcome.BEGUN),
        note(20.5, "dev", Outcome.FAILED, reason="a mistake"),
    )
    assert [(run.reasons, [each.result for each in run.services]) for run in found] == [
        (("dev: a mistake",), ["failed"]),
        ((), ["rolled back"]),
        ((), ["accepted"]),
    ]


def test_runs_that_start_in_the_same_second_keep_their_order() -> None:
    found = runs([entry(10, 10, shop="1.0.0"), entry(10, 11, shop="2.0.0")])
    assert [run.services[0].version for run in found] == ["2.0.0", "1.0.0"]


def test_without_notes_the_configuration_says_what_was_tried() -> None:
    found = runs(
        [
            entry(10, 20, shop="1.0.0", desk="1.0.0"),
            entry(20, 30, "failed", shop="2.0.0", desk="1.0.0"),
            entry(30, 40, "failed", shop="2.0.0", desk="1.0.0"),
            entry(40, 50, shop="1.0.0", desk="1.0.0"),
            entry(50, 60, kind="destroy", shop="1.0.0", desk="1.0.0"),
            entry(60, 70, kind="refresh", shop="9.0.0"),
            entry(70, 80, shop="1.0.0"),
        ]
    )
    tried = [(run.kind, [(each.service, each.version, each.before) for each in run.services]) for run in found]
    assert tried == [
        ("update", [("shop", "1.0.0", None)]),
        ("destroy", []),
        ("update", []),
        ("update", [("shop", "2.0.0", "1.0.0")]),
        ("update", [("shop", "2.0.0", "1.0.0")]),
        ("update", [("shop", "1.0.0", None), ("desk", "1.0.0", None)]),
    ]


def test_runs_whose_engine_was_killed_are_only_noted() -> None:
    found = runs(
        [entry(10, 20, shop="1.0.0"), entry(40, 50, "failed", shop="2.0.0")],
        note(5, "shop", Outcome.ACCEPTED, "0.9.0"),
        note(25, "dev", Outcome.BEGUN),
        note(28, "shop", Outcome.FAILED, "2.0.0", reason="the engine was killed meanwhile"),
        note(30, "dev", Outcome.BEGUN),
        note(45, "Machine web-1.shop.dev", Outcome.FAILED, reason="no space left"),
        note(60, "shop", Outcome.REMOVED, "1.0.0"),
    )
    assert [(run.kind, run.result, len(run.services), run.reasons) for run in found] == [
        ("destroy", UNKNOWN, 1, ()),
        ("update", "failed", 1, ("Machine web-1.shop.dev: no space left",)),
        ("update", UNKNOWN, 0, ()),
        ("update", UNKNOWN, 1, ()),
        ("update", "succeeded", 1, ()),
    ]


def test_configuration_that_makes_no_sense_names_no_versions() -> None:
    strange = entry(10, 20)
    strange["config"]["soop:services"] = {"objectValue": [{"service": "shop"}, "shop-1.0.0", {"service": 3}, None]}
    sealed = entry(20, 30)
    sealed["config"] = {"soop:services": {"value": "[secret]", "secret": True}}
    assert [run.services for run in runs([strange, sealed])] == [(), ()]
