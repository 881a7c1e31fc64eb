"""What the blocks that run programs promise, on a real machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.blocks.workshop import DOMAIN, HOME, Workshop
from tests.scenarios.workspace import workspace


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with workspace("blocks") as project:
        yield Workshop(project)


def test_a_python_application_lives(workshop: Workshop) -> None:
    workshop.publish("1.0")
    workshop.deploy(workshop.build("1.0.0"))
    assert workshop.says() == {"says": "hello", "greeter": "1.0", "version": "1.0.0"}
    environment, blobs = workshop.sh(f"readlink {HOME}/environment"), workshop.blobs()

    workshop.change("app/pages.py", '"hello"', '"hello again"')
    workshop.deploy(workshop.build("1.0.1"))
    assert workshop.says() == {"says": "hello again", "greeter": "1.0", "version": "1.0.1"}
    assert workshop.sh(f"readlink {HOME}/environment") == environment
    assert len(workshop.blobs() - blobs) == 1  # the code

    workshop.publish("1.1")
    workshop.change("app/pages.py", "greeter.VERSION", "greeter.version()")
    workshop.project.fails("soop", "deploy", "--yes", workshop.build("1.1.0", "--refresh"), DOMAIN)
    assert workshop.says() == {"says": "hello again", "greeter": "1.0", "version": "1.0.1"}
    assert workshop.sh(f"readlink {HOME}/environment") == environment
    assert workshop.project.changes(DOMAIN) == {}
