"""Which tests share a worker: `make test` has two, since tests of the engine and of machines wait much of the time."""

from __future__ import annotations

from typing import Any

import pytest

_LONGEST = ("trouble", "gateway", "first_light", "runner", "migrations", "bases", "snapshots", "init", "machines")
"""Folders of scenarios, those that take longest first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have workers begin with what takes long, so that short tests fill up the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    parts = nodeid.split("/")
    if parts[:2] == ["tests", "scenarios"]:
        return _LONGEST.index(parts[2]) if parts[2] in _LONGEST else len(_LONGEST)
    return len(_LONGEST) + (1 if parts[:2] == ["tests", "engine"] else 2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests of a file, and of a folder of scenarios, to one worker: they share what their fixtures make."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # the order of the collection is the one that is wanted

    class BySharedFixtures(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return path.rpartition("/")[0] if path.startswith("tests/scenarios/") else path

    return BySharedFixtures(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show the outcomes that tests of kills have recorded, also those of workers, and the steps of a random walk."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    recorded = [each for report in reports for each in report.user_properties]
    for steps in (value for name, value in recorded if name == "walk"):
        terminalreporter.section("steps of the random walk")
        terminalreporter.line(steps)
    rows = [value for name, value in recorded if name == "kill"]
    if rows:
        terminalreporter.section("upgrades that were killed")
        rows.insert(0, ["at", "killed", "exit code", "then ran (clerk, database)", "rows", "until converged"])
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            terminalreporter.line(
                "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            )
