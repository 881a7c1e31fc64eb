"""``soop deploy`` and ``soop status`` with the real engine and program."""

from __future__ import annotations

import re

import pytest

from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.engine import Engine
from soop_components.project import KNOWN_TO_ALL, Project
from tests.engine.stand_in.project import SERVICE_LOCK, StandInProject

DEV = "stacks/Pulumi.dev-two-access.yaml"
COMMENTED = """\
# ours
config:
    soop:environment:   dev    # no other

    soop:services:
      # the heart
      - nodes: {web: 1}
        service:   access-service-3.2.3    # May
"""


def test_name_and_version_are_enough(project: StandInProject) -> None:
    said = project.succeed("deploy", "access-service-3.2.3", "dev-two-access")
    assert re.search(r"dev-two-access +access-service +3\.2\.3 +[0-9a-f]{12} .* store-1 +127\.0\.0\.1 +healthy", said)
    text = project.read(DEV)
    assert re.fullmatch(
        r"# .*\nconfig:\n  soop:environment: dev\n  soop:services:\n    - service: access-service-3\.2\.3\n"
        r"encryptionsalt: v1:\S+\n",
        text,
    )
    project.succeed("deploy", "gateway-service-3.2.3", "access-service-3.2.4", "dev-two-access")
    assert project.versions("dev-two-access") == {"access-service": "3.2.4", "gateway-service": "3.2.3"}
    added = "access-service-3.2.4\n    - service: gateway-service-3.2.3\n"
    assert project.read(DEV) == text.replace("access-service-3.2.3\n", added)


def test_a_first_deployment_that_fails_keeps_its_definition_and_secrets_and_can_be_mended(
    project: StandInProject,
) -> None:
    begun = "config:\n  soop:secrets: {}\n"
    project.write(DEV, begun)
    said = project.fail("deploy", "access-service-9.0.0", "dev-two-access")
    assert "access-service-9.0.0 does not start" in said
    assert f"access-service was never accepted here; {DEV} keeps access-service-9.0.0" in said
    status = project.status("dev-two-access")
    assert status["services"]["access-service"]["version"] is None
    assert len(status["services"]["access-service"]["nodes"]) == 3
    assert "nothing was accepted yet" in project.succeed("status")
    project.succeed("deploy", "access-service-3.2.3", "dev-two-access")
    assert project.versions("dev-two-access") == {"access-service": "3.2.3"}
    assert project.read(DEV).startswith(
        "config:\n  soop:environment: dev\n  soop:services:\n    - service: access-service-3.2.3\n  soop:secrets: {}\n"
    )


def test_changes_one_line_and_restores_it_when_the_version_is_not_accepted(project: StandInProject) -> None:
    project.write(DEV, COMMENTED)
    project.succeed("deploy", "access-service-3.2.4", "dev-two-access")
    salt = project.read(DEV).removeprefix(COMMENTED.replace("3.2.3", "3.2.4"))
    assert re.fullmatch(r"encryptionsalt: v1:\S+\n", salt)

    said = project.fail("deploy", "access-service-9.0.0", "dev-two-access")
    assert "access-service-9.0.0 does not start" in said
    assert f"access-service-3.2.4 is still the accepted version, and {DEV} names it again" in said
    assert project.read(DEV) == COMMENTED.replace("3.2.3", "3.2.4") + salt
    assert "the last update failed" in project.succeed("status")
    assert project.versions("dev-two-access") == {"access-service": "3.2.4"}

    project.succeed("deploy", "access-service-3.2.3", "dev-two-access")
    assert project.read(DEV) == COMMENTED + salt
    assert "failed" not in project.succeed("status")


def test_a_service_that_was_accepted_keeps_its_line_when_another_fails(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "gateway-service-3.2.3", "dev-two-access")
    said = project.fail("deploy", "access-service-3.2.4", "gateway-service-9.0.0", "dev-two-access")
    assert "access-service-3.2.4 is what was accepted last" in said
    assert "gateway-service-3.2.3 is still the accepted version" in said
    assert project.versions("dev-two-access") == {"access-service": "3.2.4", "gateway-service": "3.2.3"}
    assert "access-service-3.2.4\n    - service: gateway-service-3.2.3\n" in project.read(DEV)


def test_preview_leaves_everything_as_it_was(project: StandInProject) -> None:
    said = project.succeed("deploy", "--preview", "access-service-3.2.3", "dev-two-access")
    assert "web-2.access-service.dev-two-access" in said
    assert not (project.root / DEV).exists()
    assert "there are no domains yet" in project.succeed("status")

    project.write(DEV, COMMENTED)
    project.succeed("deploy", "--preview", "access-service-3.2.4", "dev-two-access")
    assert project.read(DEV) == COMMENTED
    assert "not deployed" in project.succeed("status")

    project.succeed("deploy", "access-service-3.2.3", "dev-two-access")
    before = project.read(DEV)
    assert "3.2.3 -> 3.2.4, upgrade" in project.succeed("deploy", "--preview", "access-service-3.2.4", "dev-two-access")
    assert project.read(DEV) == before
    assert project.versions("dev-two-access") == {"access-service": "3.2.3"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["access-service-3.2.5", "dev-two-access"], "access-service is there as 3.2.3, 3.2.4, 9.0.0"),
        (["acces-service-3.2.3", "dev-two-access"], "did you mean access-service-3.2.3?"),
        (
            ["access-service", "dev-two-access"],
            "expected <service>-<version> such as access-service-3.2.3 (got 'access-service')",
        ),
        (["access-service-3.2.3", "access-service-3.2.4", "dev-two-access"], "access-service is named twice"),
        (["access-service-3.2.3", "qa-access"], "there are dev, prod"),
        (["access-service-3.2.3", "../dev-x"], "the stack's name"),
    ],
)
def test_refuses_before_anything_is_written(project: StandInProject, words: list[str], expected: str) -> None:
    assert expected in project.fail("deploy", *words)
    assert sorted(path.name for path in (project.root / "stacks").iterdir()) == ["environments"]
    assert not (project.root / ".soop" / "state").exists()


def test_the_passphrase_that_everybody_knows_is_refused_where_the_environment_does_not_admit_it(
    project: StandInProject,
) -> None:
    project.write(".soop/passphrase", f"{KNOWN_TO_ALL}\n")
    said = project.fail("deploy", "access-service-3.2.3", "prod-access")
    assert "stacks/environments/prod.yaml: security.shared_passphrase: secrets of prod-access are sealed with" in said
    assert KNOWN_TO_ALL not in said
    assert not (project.root / "stacks" / "Pulumi.prod-access.yaml").exists()

    project.write("stacks/environments/prod.yaml", "security: {shared_passphrase: true}\n")
    project.succeed("deploy", "access-service-3.2.3", "prod-access")
    project.write("stacks/environments/prod.yaml", "machines: local\n")
    assert "security.shared_passphrase" in project.fail("deploy", "access-service-3.2.4", "prod-access")
    text = project.read("stacks/Pulumi.prod-access.yaml")
    refused = project.soop("secret", "set", "access-service.password", "prod-access", given="sealed with what all know")
    assert "security.shared_passphrase" in refused.stderr
    assert project.read("stacks/Pulumi.prod-access.yaml") == text
    assert project.versions("prod-access") == {"access-service": "3.2.3"}


def test_a_renamed_role_does_not_lose_its_disk_unasked(project: StandInProject) -> None:
    disks = Engine(Project(project.root), project.environment)
    old, new = (f"{role}-1.access-service.dev-two-access" for role in ("store", "vault"))
    definition = "service_defs/access-service/service.yaml"
    project.write(definition, project.read(definition).replace("  store:", "  vault:"))
    project.write(definition.replace("yaml", "lock"), SERVICE_LOCK.replace("store:", "vault:"))
    opened = Project(project.root)
    build(opened, read_source(opened, "access-service"), lambda _: None, "4.0.0")
    project.succeed("deploy", "access-service-3.2.3", "dev-two-access")

    expected = f"no node has the disks of {old} any more: they would be deleted with their data"
    said = project.fail("deploy", "access-service-4.0.0", "dev-two-access")
    assert expected in said
    assert "soop deploy --with-data" in said
    said = project.succeed("plan", "--with-data", "access-service-4.0.0", "dev-two-access")
    assert f"no node has the disk of {old} any more: it is deleted with its data" in said
    assert project.versions("dev-two-access") == {"access-service": "3.2.3"}

    project.write(DEV, project.read(DEV).replace("3.2.3", "4.0.0"))
    for command in (["preview"], ["up", "--yes"], ["up", "--yes", "--skip-preview"]):
        assert disks.state("dev-two-access").disks == (old,)
        done = project.pulumi(*command, "--stack=dev-two-access")
        assert done.returncode != 0
        assert expected in done.stdout + done.stderr
    assert old in disks.state("dev-two-access").disks
    assert project.versions("dev-two-access") == {"access-service": "3.2.3"}
    said = project.succeed("deploy", "--with-data", "access-service-4.0.0", "dev-two-access")
    assert f"warning: {expected}" in said
    assert disks.state("dev-two-access").disks == (new,)
    project.succeed("destroy", "--yes", "dev-two-access")


def test_shows_mistakes_of_the_domain_definition(project: StandInProject) -> None:
    project.write(DEV, COMMENTED.replace("{web: 1}", "{wep: 1}"))
    assert f"{DEV}: soop:services[0].nodes.wep" in project.fail("deploy", "access-service-3.2.4", "dev-two-access")
    assert "3.2.3" in project.read(DEV)


def test_an_edit_of_the_definition_while_it_asks_is_kept(project: StandInProject) -> None:
    def edit() -> None:
        project.write(DEV, COMMENTED + "# edited\n")

    project.write(DEV, COMMENTED)
    code, said = project.at_a_terminal("y\n", "deploy", "access-service-3.2.4", "dev-two-access", once_asked=edit)
    assert code == 1
    assert f"{DEV} was changed meanwhile; nothing was done" in said
    assert project.read(DEV) == COMMENTED + "# edited\n"
    assert "not deployed" in project.succeed("status")


def test_at_a_terminal_it_asks(project: StandInProject) -> None:
    words = ["deploy", "access-service-3.2.3", "dev-two-access"]
    code, said = project.at_a_terminal("no\n", *words)
    assert code == 1
    assert "Deploy access-service-3.2.3 to dev-two-access? [y/N] " in said
    assert "nothing was changed" in said
    assert not (project.root / DEV).exists()
    code, said = project.at_a_terminal("y\n", *words)
    assert code == 0
    assert project.versions("dev-two-access") == {"access-service": "3.2.3"}
