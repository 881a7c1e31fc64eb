"""``soop:together`` with the real engine: what it saves of services that are accepted as one."""

from __future__ import annotations

import json
from typing import Any

from tests.engine.stand_in.project import StandInProject

DOMAIN = "dev-two-access"
FILE = f"stacks/Pulumi.{DOMAIN}.yaml"
TOGETHER = "  soop:together:\n    - [gateway-service, access-service]\n"
GROUP = "access-service+gateway-service"
GOOD = ("access-service-3.2.3", "gateway-service-3.2.3")


def changes(project: StandInProject) -> dict[str, str]:
    """Return what a preview would do with which resources, by name."""
    done = project.pulumi("preview", "--json", "--stack", DOMAIN)
    assert done.returncode == 0, done.stdout + done.stderr
    steps: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
    unchanged = ("same", "refresh")
    return {step["urn"].rsplit("::", 1)[1]: step["op"] for step in steps if step["op"] not in unchanged}


def up(project: StandInProject, *further: str) -> tuple[int, str]:
    done = project.pulumi("up", "--yes", "--non-interactive", "--stack", DOMAIN, *further)
    return done.returncode, done.stdout + done.stderr


def versions(access: str | None, gateway: str | None) -> dict[str, str | None]:
    return {"access-service": access, "gateway-service": gateway}


def test_a_group_comes_and_goes_and_changes_together(project: StandInProject) -> None:
    project.succeed("deploy", *GOOD, DOMAIN)
    alone = project.read(FILE)
    since = {name: service["since"] for name, service in project.status(DOMAIN)["services"].items()}
    grouped = alone.replace("encryptionsalt", f"{TOGETHER}encryptionsalt")

    project.write(FILE, grouped.replace("gateway-service-3.2.3", "gateway-service-3.2.4"))
    code, said = up(project)
    assert code
    assert "gateway-service: comes into the group access-service, gateway-service and changes at once (version)" in said
    assert "first run `pulumi up` with a new soop:together alone" in said

    project.write(FILE, grouped)
    assert changes(project) == {GROUP: "create"}
    assert up(project)[0] == 0
    assert changes(project) == {}
    assert {name: service["since"] for name, service in project.status(DOMAIN)["services"].items()} == since

    said = project.fail("deploy", "--yes", "access-service-3.2.4", "gateway-service-9.0.0", DOMAIN)
    assert "gateway-service-9.0.0 does not start" in said
    assert f"{DOMAIN}: access-service-3.2.3 is still the accepted version" in said
    assert project.versions(DOMAIN) == versions("3.2.3", "3.2.3")
    assert (changes(project), project.read(FILE)) == ({}, grouped)

    project.write(FILE, grouped.replace("3.2.3", "3.2.4"))
    assert changes(project) == {GROUP: "update", "access-service": "update", "gateway-service": "update"}
    code, said = up(project, "--target", f"urn:pulumi:{DOMAIN}::stand-in::{RELEASE}::access-service")
    assert code
    assert "access-service: its group (access-service, gateway-service) was not updated in this run" in said
    project.succeed("deploy", "--yes", "access-service-3.2.4", "gateway-service-3.2.4", DOMAIN)
    assert project.versions(DOMAIN) == versions("3.2.4", "3.2.4")
    assert changes(project) == {}

    project.write(FILE, project.read(FILE).replace(TOGETHER, ""))
    assert changes(project) == {GROUP: "delete"}
    assert up(project)[0] == 0
    assert (project.versions(DOMAIN), changes(project)) == (versions("3.2.4", "3.2.4"), {})


RELEASE = "soop:index:Domain$soop:index:Service$soop:index:Release"


def test_a_first_deployment_of_a_group_that_fails_can_be_mended(project: StandInProject) -> None:
    services = "".join(f"    - service: {reference}\n" for reference in GOOD)
    good = f"config:\n  soop:environment: dev\n  soop:services:\n{services}{TOGETHER}"
    project.write(FILE, good.replace("gateway-service-3.2.3", "gateway-service-9.0.0"))
    said = project.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert "gateway-service-9.0.0 does not start" in said
    assert {name: each["version"] for name, each in project.status(DOMAIN)["services"].items()} == versions(None, None)
    project.succeed("deploy", "gateway-service-3.2.3", DOMAIN)
    assert (project.versions(DOMAIN), changes(project)) == (versions("3.2.3", "3.2.3"), {})
