"""What a domain does not have any more goes last, when all else has succeeded."""

from __future__ import annotations

from soop_components.engine import Engine
from soop_components.project import Project
from tests.engine.stand_in.project import StandInProject

DOMAIN = "dev-two-access"
DEFINITION = f"stacks/Pulumi.{DOMAIN}.yaml"


def up(project: StandInProject) -> tuple[int, str]:
    done = project.pulumi("up", "--yes", "--skip-preview", f"--stack={DOMAIN}")
    return done.returncode, done.stdout + done.stderr


def test_a_removed_service_runs_until_all_others_were_accepted(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "gateway-service-3.2.3", DOMAIN)
    both = project.read(DEFINITION)
    one = both.replace("    - service: access-service-3.2.3\n", "")
    assert one != both
    project.environment["SOOP_WITH_DATA"] = "1"

    project.write(DEFINITION, one.replace("gateway-service-3.2.3", "gateway-service-9.0.0"))
    code, said = up(project)  # it takes two seconds until gateway-service is refused
    assert code != 0
    assert "gateway-service-9.0.0 does not start" in said
    assert "deleting" not in said
    assert project.versions(DOMAIN) == {"access-service": "3.2.3", "gateway-service": "3.2.3"}
    assert len(project.status(DOMAIN)["services"]["access-service"]["nodes"]) == 3

    del project.environment["SOOP_WITH_DATA"]
    project.write(DEFINITION, one)
    code, said = up(project)
    assert code != 0
    assert (
        "access-service: its nodes stay, although the domain has it no more: there are data on store-1.access" in said
    )
    assert len(project.status(DOMAIN)["services"]["access-service"]["nodes"]) == 3
    project.environment["SOOP_WITH_DATA"] = "1"

    project.write(DEFINITION, one.replace("gateway-service-3.2.3", "gateway-service-3.2.4"))
    code, said = up(project)
    assert code == 0, said
    assert project.versions(DOMAIN) == {"gateway-service": "3.2.4"}
    lines = said.splitlines()
    accepted = next(number for number, line in enumerate(lines) if "Release gateway-service updated" in line)
    assert all(number > accepted for number, line in enumerate(lines) if "delet" in line)


def test_a_removed_node_runs_until_other_services_do_without_it(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "gateway-service-3.2.3", DOMAIN)
    both = project.read(DEFINITION)
    project.write(DEFINITION, both.replace("access-service-3.2.3\n", "access-service-3.2.3\n      nodes: {web: 1}\n"))
    code, said = up(project)
    assert code == 0, said
    accepted = [said.index(f"Release {service}-service updated") for service in ("access", "gateway")]
    assert max(accepted) < said.index("Machine web-2.access-service.dev-two-access delet")


def test_disks_of_nodes_that_are_gone_are_kept_where_that_is_said(project: StandInProject) -> None:
    def disks() -> list[str]:
        found = Engine(Project(project.root), project.environment).state(DOMAIN).disks
        return sorted(name.split(".")[0] for name in found)

    def define(more: str) -> None:
        project.write(DEFINITION, one.replace("access-service-3.2.3\n", f"access-service-3.2.3\n      {more}\n"))

    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    one = project.read(DEFINITION)
    define("nodes: {store: 2}")
    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    assert disks() == ["store-1", "store-2"]

    define("nodes: {store: 1}")
    assert "disks: {ROLE: NUMBER}" in project.fail("deploy", "access-service-3.2.3", DOMAIN)
    define("nodes: {store: 1}\n      disks: {store: 2}")
    said = project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    assert "Machine store-2.access-service" in said
    assert "Disk" not in "".join(line for line in said.splitlines() if "delet" in line)
    assert disks() == ["store-1", "store-2"]
    assert len(project.status(DOMAIN)["services"]["access-service"]["nodes"]) == 3
    assert "unchanged" in up(project)[1]

    define("nodes: {store: 2}")
    code, said = up(project)
    assert code == 0, said
    assert not [line for line in said.splitlines() if "Disk store-2" in line and ("creat" in line or "delet" in line)]
    assert disks() == ["store-1", "store-2"]
