"""``soop plan`` with the real engine and program."""

from __future__ import annotations

import json

import jsonschema

from soop_components.schema.schemas import OUTPUTS
from tests.engine.stand_in.project import StandInProject

DOMAIN = "dev-two-access"
DEFINITION = f"stacks/Pulumi.{DOMAIN}.yaml"


def test_says_what_an_update_would_do_and_changes_nothing(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    assert project.soop("plan", DOMAIN).stdout == f"{DOMAIN}: no changes\n"

    text = project.read(DEFINITION).replace("access-service-3.2.3", "access-service-3.2.4\n      nodes: {web: 3}")
    project.write(DEFINITION, text)
    said = project.soop("plan", DOMAIN).stdout
    assert "access-service 3.2.3 -> 3.2.4, upgrade; nodes: 3 configured, 1 new\n" in said
    assert "web-1, web-2: configured; restarts access-service-job.service\n" in said
    assert "machine made: web-3.access-service.dev-two-access\n" in said
    assert "<details>" in project.soop("plan", "--markdown", DOMAIN).stdout

    printed = json.loads(project.soop("plan", "--json", DOMAIN).stdout)
    jsonschema.validate(printed, OUTPUTS["plan"]())
    (service,) = printed["services"]
    assert (service["before"]["version"], service["after"]["version"]) == ("3.2.3", "3.2.4")
    assert {node["action"] for node in service["nodes"]} == {"configure", "create"}
    assert project.versions(DOMAIN) == {"access-service": "3.2.3"}
    assert project.read(DEFINITION) == text


def test_mistakes_are_named(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    project.write(DEFINITION, project.read(DEFINITION).replace("3.2.3", "7.7.7"))
    assert f"{DEFINITION}: soop:services[0].service: access-service-7.7.7 is not in" in project.fail("plan", DOMAIN)
    assert "there is no domain dev-tow-access" in project.fail("plan", "dev-tow-access")
