"""Two clones on one state: the second makes nothing anew that the first has."""

from __future__ import annotations

import json
import shutil

from tests.scenarios.trouble.beacon import REFERENCE, UP, Beacon
from tests.scenarios.workspace import workspace


def test_a_second_clone_on_the_same_state_is_refused_with_where_the_machines_are(beacon: Beacon) -> None:
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
        expected = f"{beacon.node} was made in {first.root} and is there, not in {second.root}"
        for command in (
            (*UP, "--stack", domain),
            ("pulumi", "preview", "--non-interactive", "--stack", domain),
            ("pulumi", "refresh", "--yes", "--non-interactive", "--stack", domain),
            ("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", domain),
            ("soop", "deploy", "--yes", REFERENCE, domain),
        ):
            assert expected in second.fails(*command), command
        assert not (second.project.machines / second.project.realm).exists()
    assert first.changes(domain) == {}


def test_a_state_from_before_it_said_where_machines_are_learns_it_without_a_change(beacon: Beacon) -> None:
    project, domain = beacon.project, beacon.domain
    state = json.loads(project.must("pulumi", "stack", "export", "--stack", domain))
    places = [each for each in state["deployment"]["resources"] if "location" in each.get("outputs", {})]
    assert len(places) == beacon.nodes
    for each in places:
        del each["outputs"]["location"]
    older = project.root / ".soop" / "older.json"
    older.write_text(json.dumps(state))
    project.must("pulumi", "stack", "import", "--file", str(older), "--stack", domain)
    before = beacon.since()
    assert project.changes(domain) == {}
    project.up(domain)
    assert beacon.since() == before
    assert len([each for each in beacon.resources() if "location" in each.get("outputs", {})]) == len(places)
