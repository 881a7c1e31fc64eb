"""Our language host: as it is installed, and running."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bootstrap import language_host as built
from bootstrap.checkout import Checkout

from tests.engine.language_host.host import Host


@pytest.fixture(scope="session")
def language_host() -> Path:
    """The installed one; where it is not built, tests of it fail rather than seem to pass."""
    checkout = Checkout(Path(__file__).parents[3])
    assert built.is_built(checkout), "our language host is not built from what is here: run `make toolchain`"
    return built.path(checkout)


@pytest.fixture
def start(language_host: Path, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    started: list[Host] = []

    def begin(**more: Any) -> Host:
        started.append(Host(language_host, tmp_path, **more))
        return started[-1]

    yield begin
    for each in started:
        each.channel.close()
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.wait()


@pytest.fixture
def host(start: Callable[..., Host]) -> Host:
    return start()
