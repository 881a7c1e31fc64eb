"""Two clones on one state: the second makes nothing anew that the first has."""

from __future__ import annotations

import shutil

from tests.scenarios.trouble.beacon import UP, Beacon
from tests.scenarios.workspace import workspace


def test_a_second_clone_on_the_same_state_is_told_where_the_machines_are(beacon: Beacon) -> None:
    first, domain = beacon.project, beacon.domain
    assert first.changes(domain) == {}
    with workspace("clone") as second:
        shutil.rmtree(second.root / "stacks")
        shutil.copytree(first.root / "stacks", second.root / "stacks")
        shutil.copytree(first.root / "service_defs", second.root / "service_defs", dirs_exist_ok=True)
        shared = {
            "PULUMI_BACKEND_URL": first.project.backend,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(first.project.passphrase),
            "SOOP_STORE": str(first.project.store),
        }
        second.environment.update(shared)
        told = f"{beacon.node} was made in {first.root} and is there, not in {second.root}"
        for command in (
            (*UP, "--stack", domain),
            ("pulumi", "preview", "--non-interactive", "--stack", domain),
            ("pulumi", "refresh", "--yes", "--non-interactive", "--stack", domain),
            ("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", domain),
            ("soop", "deploy", "--yes", domain),
        ):
            assert told in second.fails(*command), command
        assert not (second.project.machines / second.project.realm).exists()
    assert first.changes(domain) == {}
