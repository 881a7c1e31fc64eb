"""State of a team: in a bucket, sealed by a key of a cloud, with locks; moto's server stands for AWS."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from soop_components.plugin import stop_idle_servers
from soop_components.project import KNOWN_TO_ALL
from tests.engine.stand_in.project import PULUMI_YAML, StandInProject
from tests.moto.server import Moto, running

DOMAIN = "dev-access"
FILE = f"stacks/Pulumi.{DOMAIN}.yaml"
BUCKET = "state"


@pytest.fixture
def moto(tmp_path: Path) -> Iterator[Moto]:
    with running(tmp_path) as moto:
        yield moto


def of_a_team(project: StandInProject, moto: Moto) -> str:
    """Let a project have its state in a bucket; return the URL of the key that is to seal its secrets."""
    project.environment = {
        **{name: value for name, value in project.environment.items() if not name.startswith("AWS_")},
        **moto.environment,
    }
    project.write(".soop/passphrase", KNOWN_TO_ALL)  # refused wherever it would seal anything
    project.write("Pulumi.yaml", f"{PULUMI_YAML}backend: {{url: '{moto.make_bucket(BUCKET)}'}}\n")
    return moto.make_key("soop")


def of_a_colleague(project: StandInProject) -> StandInProject:
    """Return the same project in another folder, as a colleague has it; only the bucket is shared."""
    root = shutil.copytree(project.root, project.root.with_name("a colleague's"), symlinks=True)
    colleague = StandInProject(root)
    colleague.environment = {**project.environment, "STAND_IN_WAITS": str(colleague.gate)}
    colleague.release()
    return colleague


def test_a_team_shares_a_domain_whose_state_and_key_are_in_a_cloud(project: StandInProject, moto: Moto) -> None:
    key = of_a_team(project, moto)
    definition = (
        f"# ours\nsecretsprovider: {key}\nconfig:\n  soop:environment: dev\n"
        "  soop:services:\n    - service: access-service-3.2.3   # what runs\n"
    )
    project.write(FILE, definition)
    project.hold("Release")
    first = project.start("deploy", "access-service-3.2.3", DOMAIN)
    project.await_begun(first)
    colleague = of_a_colleague(project)
    try:
        ((_, lock),) = moto.objects(BUCKET, ".pulumi/locks/").items()
        process = json.loads(lock)["pid"]
        said = colleague.fail("deploy", "access-service-3.2.3", DOMAIN)
        assert "failed: the stack is currently locked by 1 lock(s)" in said
        assert f"(pid {process})" in said
        assert f"if it was killed: soop recover --force {DOMAIN}" in said
        os.kill(process, signal.SIGKILL)
        first.communicate(timeout=300)
        assert first.returncode == 128 + signal.SIGKILL
        project.release()

        said = colleague.succeed("recover", "--force", DOMAIN)
        assert f"{DOMAIN}: cleared the interrupted creation of access-service" in said
        assert moto.objects(BUCKET, ".pulumi/locks/") == {}
        colleague.succeed("deploy", "access-service-3.2.4", DOMAIN)
        assert accepted(project) == "3.2.4"
        assert not (project.root / ".soop/state").exists()

        text = colleague.read(FILE)
        assert text.startswith(definition.replace("3.2.3", "3.2.4"))
        assert text.removeprefix(definition.replace("3.2.3", "3.2.4")).startswith("encryptedkey: "), "no passphrase"
        stored = moto.objects(BUCKET)
        assert any(b'"privateKey"' in each for each in stored.values())
        assert [name for name, each in stored.items() if b"PRIVATE KEY" in each] == []
    finally:
        stop_idle_servers(colleague.root)


def accepted(project: StandInProject) -> str:
    """Return the version that a project finds in the state."""
    version: str = project.status(DOMAIN)["services"]["access-service"]["version"]
    return version
