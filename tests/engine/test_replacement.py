"""``soop replace`` of nodes that another service of their domain is in front of."""

from __future__ import annotations

from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.project import Project
from tests.engine.stand_in.project import SERVICE_YAML, StandInProject

DOMAIN = "dev-two-access"
WEB = f"web-1.access-service.{DOMAIN}"
ENDPOINT = "endpoints:\n  http: {role: web, port: 80}\n"
REQUIRES = "requires: {access-service: '>=3'}\ncomponents:\n"


def build_one_in_front_of_the_other(project: StandInProject) -> None:
    plain = SERVICE_YAML.replace("version: 3.2.3", "version: 3.5.0")
    front = plain.replace("components:\n", REQUIRES, 1).replace("service.version }}", "domain.avoided | join(' ') }}")
    for service, text in (("access-service", plain + ENDPOINT), ("gateway-service", front)):
        project.write(f"service_defs/{service}/service.yaml", text.replace("SERVICE", service))
        build(Project(project.root), read_source(Project(project.root), service), lambda _: None)


def test_what_is_in_front_is_updated_alone_before_and_once_more_afterwards(project: StandInProject) -> None:
    build_one_in_front_of_the_other(project)
    project.succeed("deploy", "access-service-3.5.0", "gateway-service-3.5.0", DOMAIN)

    project.hold("refused")
    said = project.fail("replace", "--yes", WEB)
    project.release()
    assert "gateway-service-3.5.0 does not start" in said
    assert "Release access-service" not in said

    said = project.succeed("replace", "--yes", WEB)
    _, before, last = said.split("Updating (")
    assert "Release gateway-service updated" in before
    assert "Release access-service" not in before
    assert last.index("Release access-service updated") < last.index("Release gateway-service updated")
    assert f"services in front of {WEB} send nothing there until replaced" in said
    assert "Resources:\n    22 unchanged" in project.pulumi("preview", f"--stack={DOMAIN}").stdout
