"""A state that a full disk, a power failure or somebody has damaged: named, restored, and no other domain's trouble."""

from __future__ import annotations

from tests.engine.stand_in.project import StandInProject


def test_a_damaged_state_is_named_and_restored_and_other_domains_go_on(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "dev-access")
    project.succeed("deploy", "access-service-3.2.3", "dev-other")
    [path] = project.root.glob(".soop/state/.pulumi/stacks/*/dev-access.json")
    path.write_bytes(path.read_bytes()[:-50])

    for words in (["status"], ["recover", "--check"]):
        done = project.soop(*words)
        assert f"dev-access: the state of dev-access is damaged: {path}" in done.stdout
        assert "to restore it from a copy: soop recover dev-access" in done.stdout
    assert "state is damaged" in project.succeed("status", "dev-access")
    assert project.status("dev-access")["deployed"]
    assert "the state of dev-access is damaged" in project.fail("deploy", "access-service-3.2.4", "dev-access")
    project.succeed("deploy", "access-service-3.2.4", "dev-other")
    assert project.versions("dev-other") == {"access-service": "3.2.4"}

    said = project.succeed("recover", "dev-access")
    assert f"dev-access: restored its damaged state from {path}.bak" in said
    project.succeed("deploy", "access-service-3.2.4", "dev-access")
    assert project.versions("dev-access") == {"access-service": "3.2.4"}

    [record, *_] = sorted(project.root.glob(".soop/state/.pulumi/history/*/dev-access/*.history.json"), reverse=True)
    record.write_text("")
    [layout] = project.root.glob(".soop/state/.pulumi/meta.yaml")
    before = layout.read_text()
    layout.write_text("")
    said = project.succeed("status")
    assert "dev-access: how the last run ended is not known; the damaged record may be removed" in said
    assert record.name in said
    assert "dev-other" in said
    assert layout.read_text() == before
