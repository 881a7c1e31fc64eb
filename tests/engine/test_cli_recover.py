"""What a killed engine leaves, and how it is cleared."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.engine.stand_in.project import StandInProject


def kill_engine(project: StandInProject, *words: str, at: str) -> None:
    """Run a ``soop`` whose engine is killed while it makes or changes a resource of the kind ``at``."""
    process = held(project, *words, at=at)
    os.kill(project.engine_process("dev-access"), signal.SIGKILL)
    assert process.wait(60) == 128 + signal.SIGKILL
    process.communicate()
    project.release()


def held(project: StandInProject, *words: str, at: str) -> subprocess.Popen[str]:
    """Start a ``soop`` and return when its engine is at a resource of the kind ``at``, which waits."""
    project.hold(at)
    process = project.start(*words)
    project.await_begun(process)
    return process


@pytest.mark.parametrize("kind", ["Machine", "Release"])
def test_the_next_deployment_clears_what_a_killed_first_one_left(project: StandInProject, kind: str) -> None:
    kill_engine(project, "deploy", "access-service-3.2.3", "dev-access", at=kind)
    status = project.status("dev-access")
    assert status["locked"]
    assert status["pending_creates"]
    assert not list(project.root.glob(".soop/state/.pulumi/**/*.attrs")), "the engine may be killed while it writes one"
    assert "a deployment was killed; `soop recover dev-access`" in project.succeed("status")
    assert "a deployment was killed; `soop recover dev-access`" in project.fail("recover", "--check")

    other = ("recover", "--check", "--of-pulumi", "1", "up", "--stack")
    assert "dev-access: a deployment was killed" in project.fail(*other, "organization/x/dev-access")
    assert "a deployment was killed" not in project.fail(*other, "dev-other")

    said = project.succeed("deploy", "access-service-3.2.3", "dev-access")
    assert "dev-access: removed the lock of process" in said
    assert "dev-access: cleared the interrupted creation of" in said
    status = project.status("dev-access")
    assert not status["locked"]
    assert not status["pending_creates"]
    assert project.versions("dev-access") == {"access-service": "3.2.3"}


def test_recover_clears_what_a_killed_upgrade_left(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "dev-access")
    kill_engine(project, "deploy", "access-service-3.2.4", "dev-access", at="Release")
    assert project.versions("dev-access") == {"access-service": "3.2.3"}
    assert "removed the lock" in project.succeed("recover", "dev-access")
    assert "nothing to recover" in project.succeed("recover", "dev-access")
    assert project.succeed("recover", "--check") == ""
    assert "soop recover DOMAIN" in project.fail("recover")
    project.succeed("deploy", "access-service-3.2.4", "dev-access")
    assert project.versions("dev-access") == {"access-service": "3.2.4"}


def test_a_living_deployment_is_left_alone(project: StandInProject) -> None:
    process = held(project, "deploy", "access-service-3.2.3", "dev-access", at="Machine")
    assert "is being changed by process" in project.succeed("status")
    assert "is being changed by process" in project.fail("recover", "--check", "dev-access")
    assert "another soop command is changing dev-access" in project.fail("recover", "dev-access")
    assert "another soop command" in project.fail("deploy", "access-service-3.2.4", "dev-access")
    assert "another soop command" in project.fail("destroy", "--yes", "dev-access")
    process.kill()  # the engine goes on without it
    process.wait()
    assert "dev-access is being changed by process" in project.fail("recover", "dev-access")
    project.release()
    process.communicate()  # ends with the engine
    assert project.versions("dev-access") == {"access-service": "3.2.3"}


def test_other_domains_are_deployed_meanwhile(project: StandInProject) -> None:
    process = held(project, "deploy", "access-service-3.2.3", "dev-access", at="Release")
    other = project.start("deploy", "access-service-3.2.4", "dev-other")
    project.release()
    outcomes = [each.communicate() and each.returncode for each in (process, other)]
    assert outcomes == [0, 0]
    assert project.versions("dev-access") == {"access-service": "3.2.3"}
    assert project.versions("dev-other") == {"access-service": "3.2.4"}
    assert "there is no domain dev-acces" in project.fail("recover", "dev-acces")


def test_an_interrupted_deployment_ends_in_order(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "dev-access")
    process = held(project, "deploy", "access-service-3.2.4", "dev-access", at="Release")
    process.send_signal(signal.SIGTERM)
    project.release()
    process.communicate()
    assert process.returncode in (0, 1)
    assert not project.status("dev-access")["locked"]
    running = project.versions("dev-access")["access-service"]
    assert f"service: access-service-{running}\n" in project.read("stacks/Pulumi.dev-access.yaml")
