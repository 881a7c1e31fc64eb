"""What a domain does not have any more goes last, when all else has succeeded."""

from __future__ import annotations

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

    project.write(DEFINITION, one.replace("gateway-service-3.2.3", "gateway-service-3.2.4"))
    code, said = up(project)
    assert code == 0, said
    assert project.versions(DOMAIN) == {"gateway-service": "3.2.4"}
    lines = said.splitlines()
    accepted = next(number for number, line in enumerate(lines) if "Release gateway-service updated" in line)
    assert all(number > accepted for number, line in enumerate(lines) if "delet" in line)
