"""Which tests share a worker: `make test` has two, since tests of the engine and of machines wait much of the time."""

from __future__ import annotations

from pathlib import Path

import pytest

SCENARIOS = Path(__file__).parent / "scenarios"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of a file, and of a folder of scenarios, to one worker: they share what their fixtures make."""
    for item in items:
        shared = item.path.parent if SCENARIOS in item.path.parents else item.path
        item.add_marker(pytest.mark.xdist_group(str(shared)))
