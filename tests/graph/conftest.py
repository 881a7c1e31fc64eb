"""A mocked engine for the tests of what domains declare."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pulumi.runtime import mocks

from tests.graph.declared import DOMAIN, Monitor, Recorder
from tests.graph.native_domain import event_loop


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with event_loop():
        recorder = Recorder()
        recorder.monitor = Monitor(recorder)
        mocks.set_mocks(recorder, project="soop", stack=DOMAIN, preview=False, monitor=recorder.monitor)
        yield recorder
