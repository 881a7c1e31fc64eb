"""Which tests share a worker: `make test` has two, since tests of the engine and of machines wait much of the time."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests of a file, and of a folder of scenarios, to one worker: they share what their fixtures make."""
    from xdist.scheduler import LoadScopeScheduling

    class BySharedFixtures(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return path.rpartition("/")[0] if path.startswith("tests/scenarios/") else path

    return BySharedFixtures(config, log)
