"""``soop destroy`` touches one domain only, and data only when that is meant."""

from __future__ import annotations

from tests.engine.stand_in.project import StandInProject


def test_destroys_one_domain_and_keeps_its_definition(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "dev-one")
    project.succeed("deploy", "access-service-3.2.3", "dev-two")
    definition = project.read("stacks/Pulumi.dev-one.yaml")
    assert "soop destroy --yes dev-one" in project.fail("destroy", "dev-one")
    assert project.status("dev-one")["deployed"]

    project.succeed("destroy", "--yes", "dev-one")
    assert project.read("stacks/Pulumi.dev-one.yaml") == definition
    assert not project.status("dev-one")["deployed"]
    assert project.versions("dev-two") == {"access-service": "3.2.3"}
    assert not [path for path in project.root.glob(".soop/state/.pulumi/**/*dev-one*") if path.is_file()]
    assert "dev-one is not deployed" in project.succeed("destroy", "--yes", "dev-one")

    project.succeed("deploy", "access-service-3.2.4", "dev-one")
    assert "there is no domain dev-on" in project.fail("destroy", "--yes", "dev-on")

    definition = project.read("stacks/Pulumi.dev-two.yaml")
    done = project.pulumi("stack", "rm", "--force", "--preserve-config", "--yes", "dev-two")
    assert done.returncode == 0, done.stderr
    assert not project.status("dev-two")["deployed"], "what the hint for machines that are gone for good says"
    assert project.read("stacks/Pulumi.dev-two.yaml") == definition


def test_protected_disks_need_to_be_meant(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "prod-access")
    said = project.fail("destroy", "--yes", "prod-access")
    assert "prod-access has protected disks: store-1.access-service.prod-access" in said
    assert len(project.status("prod-access")["services"]["access-service"]["nodes"]) == 3
    project.succeed("destroy", "--yes", "--with-data", "prod-access")
    assert not project.status("prod-access")["deployed"]


def test_destroys_without_definition_and_artifact(project: StandInProject) -> None:
    """What is deployed can be removed even when the files that describe it are gone."""
    project.succeed("deploy", "access-service-3.2.3", "dev-one")
    (project.root / "stacks" / "Pulumi.dev-one.yaml").unlink()
    (project.root / ".soop" / "store").rename(project.root / "elsewhere")
    project.succeed("destroy", "--yes", "dev-one")
    assert not (project.root / "stacks" / "Pulumi.dev-one.yaml").exists()
    assert "there are no domains yet" in project.succeed("status")
