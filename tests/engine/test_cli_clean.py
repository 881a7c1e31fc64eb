"""``soop clean`` with the real root helper, but without machines."""

from __future__ import annotations

import os
import signal

from tests.engine.stand_in.project import StandInProject


def test_forgets_domains_in_whatever_condition(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "prod-access")
    project.hold("Machine")
    process = project.start("deploy", "access-service-3.2.3", "dev-access")
    project.await_begun(process)
    os.kill(project.engine_process("dev-access"), signal.SIGKILL)
    project.release()
    process.communicate()

    assert "soop clean --yes" in project.fail("clean")
    assert project.status("prod-access")["deployed"]
    said = project.succeed("clean", "--yes")
    assert "forgot dev-access" in said
    assert "forgot prod-access" in said
    assert not project.status("dev-access")["deployed"]
    assert (project.root / "stacks" / "Pulumi.prod-access.yaml").exists()
    project.succeed("deploy", "access-service-3.2.3", "dev-access")


def test_works_without_state(project: StandInProject) -> None:
    assert "removed the machines and disks" in project.succeed("clean", "--yes")
