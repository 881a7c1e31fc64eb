"""What the blocks that run programs promise, on a real machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.blocks.workshop import DOMAIN, HOME, JOB, Workshop
from tests.scenarios.workspace import eventually, workspace


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with workspace("blocks") as project:
        yield Workshop(project)


def test_programs_run_and_a_deployment_leaves_jobs_alone(workshop: Workshop) -> None:
    workshop.publish("1.0")
    workshop.deploy(workshop.build("1.0.0"))
    assert workshop.says() == {"says": "hello", "greeter": "1.0", "version": "1.0.0"}
    environment, blobs = workshop.sh(f"readlink {HOME}/environment"), workshop.blobs()

    # A job that has failed is seen, and hinders no new version.
    workshop.sh(f"touch /run/tidy-fails; ! systemctl start {JOB}; rm /run/tidy-fails")
    assert "the last run failed: exit-code, status 3" in workshop.project.must(
        "soop", "status", "--refresh", "--json", DOMAIN
    )

    # A changed line of code is one blob.
    workshop.change("app/pages.py", '"hello"', '"hello again"')
    workshop.deploy(workshop.build("1.0.1"))
    assert workshop.says() == {"says": "hello again", "greeter": "1.0", "version": "1.0.1"}
    assert workshop.sh(f"readlink {HOME}/environment") == environment
    assert len(workshop.blobs() - blobs) == 1

    # Packages and code are rolled back together, while a job runs.
    workshop.sh(f"touch /run/tidy-waits; systemctl start --no-block {JOB}")
    eventually(lambda: workshop.sh(f"systemctl show --property=MainPID --value {JOB}") != "0")
    job = workshop.sh(f"systemctl show --property=MainPID --value {JOB}")
    workshop.publish("1.1")
    workshop.change("app/pages.py", "greeter.VERSION", "greeter.version()")
    workshop.project.fails("soop", "deploy", "--yes", workshop.build("1.1.0", "--refresh"), DOMAIN)
    assert workshop.says() == {"says": "hello again", "greeter": "1.0", "version": "1.0.1"}
    assert workshop.sh(f"readlink {HOME}/environment") == environment
    assert workshop.sh(f"systemctl show --property=MainPID --value {JOB}") == job
    workshop.sh("rm /run/tidy-waits")
    eventually(lambda: workshop.sh("ls /var/lib/workshop-service-tidy") == "done")
    assert workshop.project.changes(DOMAIN) == {}
