"""A mocked engine for the tests of what domains declare."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from pulumi.runtime import mocks

from tests.graph.declared import DOMAIN, Monitor, Recorder


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder()
    recorder.monitor = Monitor(recorder)
    mocks.set_mocks(recorder, project="soop", stack=DOMAIN, preview=False, monitor=recorder.monitor)
    yield recorder
    loop.close()
    asyncio.set_event_loop(None)
