"""``soop history``: shows what was deployed into a domain, by whom, and how that ended."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import zip_longest
from typing import Any

from soop_components.cli.terminal import minute, say, short, table
from soop_components.engine import Engine, PastRun
from soop_components.engine.domains import stack_of
from soop_components.errors import printable
from soop_components.project import Project

HELP = "show what was deployed into a domain, by whom, and how that ended"
DESCRIPTION = """\
Shows the last updates of a domain, newest first: when, how long, by whom, which versions of which services, how that
ended, and why a version was rolled back. It is Pulumi's own history, so updates by a bare `pulumi up` are in it too.

Who, digests and reasons are noted beside the state by whoever updates; a run without an end in Pulumi's history is
under way, or its engine was killed.
"""
HEADING = ("WHEN", "TOOK", "WHO", "SERVICE", "VERSION", "DIGEST", "RESULT")
_REASON_LINES = 8
_DEFAULT = 20
_MOST = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("domain", metavar="DOMAIN", help="such as dev-access")
    parser.add_argument("--limit", type=_number, default=_DEFAULT, metavar="N", help=f"at most N runs; {_DEFAULT}")
    parser.add_argument("--json", action="store_true", help="print a list of runs as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the runs of a domain."""
    engine = Engine(Project.find())
    runs = engine.past_runs(stack_of(engine, arguments.domain), arguments.limit)
    if arguments.json:
        print(json.dumps([as_json(each) for each in runs], indent=2))
    elif runs:
        show(runs)
    else:
        say(f"nothing was deployed into {arguments.domain} yet")
    return 0


def show(runs: Sequence[PastRun]) -> None:
    """Print a row for each service of each run, and the reasons below."""
    printed = [(row, reason) for each in runs for row, reason in rows(each)]
    heading, *lines = table([HEADING, *(row for row, _ in printed)]).splitlines()
    print(heading)
    for line, (_, reason) in zip(lines, printed, strict=True):
        print(line)
        for text in _reason_lines(reason):
            print(f"  {text}")


def rows(run: PastRun) -> Iterator[tuple[Sequence[str], str | None]]:
    """Yield a row per service, with the reason for its result; what is the same as above is left blank."""
    about = (minute(run.started), _duration(run.started, run.ended), run.who or "-")
    for service, following in zip_longest(run.services, run.services[1:]):
        version = f"{service.before} -> {service.version}" if _is_change(service.before, service.version) else None
        digest = short(service.digest)
        is_said_below = following is not None and following.reason == service.reason
        reason = None if is_said_below else service.reason  # of services that were deployed together
        yield (*about, service.service, version or service.version, digest, service.result), reason
        about = ("", "", "")
    if not run.services or run.reasons:
        what = "destroyed" if run.kind == "destroy" and run.result == "succeeded" else run.result
        yield (*about, "", "", "", what), "\n".join(run.reasons) or None


def as_json(run: PastRun) -> dict[str, Any]:
    """Return a run as scripts get it."""
    took = int((run.ended - run.started).total_seconds()) if run.ended else None
    times = {"started": run.started.isoformat(), "ended": run.ended.isoformat() if run.ended else None, "seconds": took}
    return {**asdict(run), **times}


def _number(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {_MOST}, not {text!r}")
    return int(text)


def _is_change(before: str | None, version: str) -> bool:
    return before is not None and before != version


def _reason_lines(reason: str | None) -> list[str]:
    lines = printable(reason or "").splitlines()
    return lines if len(lines) <= _REASON_LINES else [*lines[:_REASON_LINES], "… (all of it: --json)"]


def _duration(started: datetime, ended: datetime | None) -> str:
    if ended is None:
        return "-"
    seconds = int((ended - started).total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"
