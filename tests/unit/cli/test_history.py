"""What ``soop history`` prints of runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from soop_components.cli.history import as_json, show
from soop_components.engine.past_runs import UNKNOWN, PastRun, ServiceRun

START = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
WHY = "shop-2.0.0 and desk-1.1.0 were not accepted:\n  | no"


def run(result: str, *services: ServiceRun, reasons: tuple[str, ...] = (), took: int | None = 130) -> PastRun:
    ended = START + timedelta(seconds=took) if took is not None else None
    return PastRun("update", result, START, ended, "ann@here", "c0ffee", "topic", services, reasons)


def test_a_reason_for_all_services_of_a_run_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    together = [
        ServiceRun(name, "2.0.0", "1.0.0", "sha256:" + "1" * 64, "rolled back", WHY) for name in ("shop", "desk")
    ]
    show([run("failed", *together), run("succeeded", ServiceRun("shop", "1.0.0", "1.0.0", None, "accepted"))])
    heading, shop, desk, *reason, good = capsys.readouterr().out.splitlines()
    assert heading.split() == ["WHEN", "TOOK", "WHO", "SERVICE", "VERSION", "DIGEST", "RESULT"]
    assert shop.endswith("  2 min 10 s  ann@here  shop     1.0.0 -> 2.0.0  111111111111  rolled back")
    assert desk.lstrip() == "desk     1.0.0 -> 2.0.0  111111111111  rolled back"
    assert reason == ["  shop-2.0.0 and desk-1.1.0 were not accepted:", "    | no"]
    assert good.split()[-3:] == ["shop", "1.0.0", "accepted"]


def test_other_reasons_and_runs_without_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    show([run(UNKNOWN, took=None), run("failed", reasons=("Machine web-1: no space", "\n".join("x" * 20)))])
    printed = capsys.readouterr().out
    assert " not recorded\n" in printed
    assert "\n  Machine web-1: no space\n" in printed
    assert printed.endswith("  … (all of it: --json)\n")


def test_json_has_seconds() -> None:
    assert (as_json(run("succeeded"))["seconds"], as_json(run(UNKNOWN, took=None))["ended"]) == (130, None)
