"""From definitions in the project's folders to a domain's plan: what is refused before anything is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from soop_components.artifact.store import Store
from soop_components.deployment import domain_plan
from soop_components.deployment.domain_file import DomainFile
from soop_components.deployment.domain_plan import load_domain_plan
from soop_components.deployment.plan_file import VARIABLE, handed_plan, write_plan
from soop_components.errors import InvalidInput, SoopError
from soop_components.machines.kinds import KINDS
from soop_components.machines.local.host_key import new_host_key
from soop_components.model.names import Reference
from soop_components.project import Project
from tests.unit.deployment.projects import GREETING, define, environment, plan, refused


def test_other_machines_than_can_be_made_are_refused(built: Project) -> None:
    environment(built, "test", "machines: azure\n")
    assert refused(built, "test-one").problems == (
        "stacks/environments/test.yaml: machines: machines of the kind azure are not made yet; "
        f"expected {' or '.join(KINDS)}",
    )


def test_a_service_is_deployed_in_any_number_of_domains_of_an_environment(built: Project) -> None:
    define(built, "dev-one", GREETING)
    first, second = plan(built, "dev-one"), plan(built, "dev-two-more")
    names = [set(each.services[0].nodes) for each in (first, second)]
    assert names[0] == {f"{node}.greeting-service.dev-one" for node in ("web-1", "web-2", "time-1")}
    assert not names[0] & names[1]
    assert first.notes == second.notes == ()


def test_a_value_counts_as_it_is_spelled_in_the_stack_s_file_not_as_pulumi_hands_it_on(built: Project) -> None:
    define(built, "dev-one", f"{GREETING}, config: {{name: 3.10}}")
    (problem,) = refused(built, "dev-one").problems
    place = "stacks/Pulumi.dev-one.yaml: soop:services[0].config.name"
    assert problem == f"{place}: 3.10 is read as the number 3.1; write it in quotes if it is text, or as 3.1"


def test_what_an_environment_asks_for_and_nobody_sees_to_is_reported(built: Project) -> None:
    environment(built, "dev", "security: {require_promotion_from: test}\n")
    (note,) = plan(built, "dev-two").notes
    assert note == "stacks/environments/dev.yaml: not enforced yet: security.require_promotion_from"


def test_local_machines_are_not_spread(built: Project) -> None:
    environment(built, "dev", "reliability: {spread: availability_zone}\n")
    (problem,) = refused(built, "dev-two").problems
    assert problem.startswith(
        "stacks/environments/dev.yaml: reliability.spread: local machines are all on this computer"
    )


def test_what_cannot_be_public_is_refused(built: Project) -> None:
    environment(built, "dev", "accessibility: {public: [greeting-service.http]}\n")
    assert refused(built, "dev-two").problems == (
        "stacks/environments/dev.yaml: accessibility.public: local machines have no public endpoints: "
        "they are reached from this computer only; remove it",
    )
    keys = f"host_key: {new_host_key().public}"
    hosts = f"machines: ssh\nssh: {{hosts: {{rack1: {{address: 192.0.2.10, {keys}}}}}}}\n"
    environment(built, "dev", f"{hosts}accessibility: {{public: [greeting-service.htpp, other-service.any]}}\n")
    services = [{"service": GREETING}]
    told = {"soop:accessibility": {"from": ["dev-one"]}}
    with pytest.raises(InvalidInput) as caught:
        load_domain_plan(built, "dev-two", environment="dev", services=services, optional=told, secret_names={})
    assert list(caught.value.problems) == [
        "stacks/Pulumi.dev-two.yaml: soop:services[0].service: greeting-service-1.0.0 has no endpoint htpp; "
        "did you mean http?, which environment dev makes public",
        "stacks/Pulumi.dev-two.yaml: soop:accessibility.from[0]: environment dev does not say which hosts are "
        "those of dev-one: say `domain: dev-one` at hosts in ssh.hosts, which are its only ones then",
    ]


def test_a_plan_is_handed_over_to_the_program_of_its_domain(
    built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert handed_plan("dev-one") is None
    made = plan(built, "dev-one")
    write_plan(made, tmp_path / "plan.json")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "plan.json"))
    assert handed_plan("dev-one") == made
    assert handed_plan("dev-two") is None


def test_an_environment_that_is_not_there(built: Project) -> None:
    environment(built, "test", "")
    assert refused(built, "prod-one").problems == (
        "stacks/Pulumi.prod-one.yaml: soop:environment: no environment 'prod' in stacks/environments; "
        "there are dev, test",
    )


def test_mistakes_of_all_files_are_reported_at_once(built: Project) -> None:
    environment(built, "dev", "machnes: local\n")
    services = [{"service": 5}, {"service": GREETING, "nodes": {"wb": 2}}, {"service": "greting-service-2.0.0"}]
    with pytest.raises(InvalidInput) as caught:
        load_domain_plan(built, "dev-one", environment="dev", services=services, optional={}, secret_names={})
    domain = "stacks/Pulumi.dev-one.yaml: soop:services"
    assert caught.value.problems == (
        f"{domain}[0].service: expected text (got 5)",
        "stacks/environments/dev.yaml: machnes: unknown key; did you mean machines?",
        f"{domain}[2].service: greting-service-2.0.0 is not in the store {built.store}",
        f"{domain}[1].nodes.wb: {GREETING} has no role wb; did you mean web?",
    )
    assert caught.value.hint == "did you mean greeting-service-1.0.0?"
    with pytest.raises(InvalidInput) as caught:
        load_domain_plan(built, "dev-one", environment="dev", services=5, optional={}, secret_names={})
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        "stacks/Pulumi.dev-one.yaml",
        "stacks/environments/dev.yaml",
    ]


def test_a_size_that_the_environment_does_not_have(built: Project) -> None:
    environment(built, "dev", "sizes: {medium: {cpus: 2}}\n")
    assert refused(built, "dev-one").problems == (
        "stacks/Pulumi.dev-one.yaml: soop:services[0].service: web nodes of greeting-service: no size small; "
        "there is medium (environment dev)",
        "stacks/Pulumi.dev-one.yaml: soop:services[0].service: time nodes of greeting-service: no size small; "
        "there is medium (environment dev)",
    )


AS_WRITTEN = {
    "anchor": ("{web: 1}", "&all {web: 1}", "line 4: anchor &all is not allowed"),
    "tag": ("{web: 1}", "{web: !!int 1}", "line 4: tag tag:yaml.org,2002:int is not allowed"),
    "unknown key": ("soop:services", "soop:notes: x\n  soop:services", "soop:notes: unknown key"),
    "plain secret": (
        "soop:services",
        "soop:secrets: {greeting-service: {token: abcdefgh}}\n  soop:services",
        "soop:secrets.greeting-service.token: is not encrypted",
    ),
    "repeated key": ("{web: 1}", "{web: 1, web: 1}", "config.soop:services[0].nodes.web: line 4 repeats the key"),
}


@pytest.mark.parametrize("mistake", AS_WRITTEN)
def test_what_the_engine_lets_pass_in_a_domain_s_file_is_refused_all_the_same(built: Project, mistake: str) -> None:
    old, new, said = AS_WRITTEN[mistake]
    define(built, "dev-one", f"{GREETING}, nodes: {{web: 1}}")
    assert plan(built, "dev-one", web=1)
    path = built.domain_file("dev-one")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    problems = refused(built, "dev-one", web=1).problems
    assert any(problem.startswith(f"stacks/Pulumi.dev-one.yaml: {said}") for problem in problems), problems


@pytest.mark.parametrize("text", ["", "encryptionsalt: v1:abc\n", "environment: [shared]\nconfig:\n  aws:region: x\n"])
def test_a_stack_s_values_may_come_from_elsewhere(built: Project, text: str) -> None:
    (built.domain_file("dev-one")).write_text(text)
    assert plan(built, "dev-one")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
@pytest.mark.timeout(60)
def test_files_that_are_none(built: Project, make: Callable[[Path], None]) -> None:
    path = built.domain_file("dev-one")
    make(path)
    assert refused(built, "dev-one").problems[0].startswith("stacks/Pulumi.dev-one.yaml: ")
    with pytest.raises(SoopError, match=r"^stacks/Pulumi.dev-one.yaml: is not a file"):
        DomainFile(built, "dev-one").deploying([Reference.parse(GREETING)])
    path.rename(built.stacks / "away")
    (built.environments / "dev.yaml").unlink()
    make(built.environments / "dev.yaml")
    assert refused(built, "dev-one").problems[0].startswith("stacks/environments/dev.yaml: ")


def test_an_artifact_that_is_not_built_not_there_or_not_whole(built: Project, store: Store) -> None:
    def refusal(service: str) -> str:
        with pytest.raises(InvalidInput) as caught:
            load_domain_plan(
                built, "dev-one", environment="dev", services=[{"service": service}], optional={}, secret_names={}
            )
        (problem,) = caught.value.problems
        return f"{problem.removeprefix('stacks/Pulumi.dev-one.yaml: soop:services[0].service: ')} | {caught.value.hint}"

    definition = built.service_defs / "greeting-service" / "service.yaml"
    definition.write_text(definition.read_text().replace("version: 1.0.0", "version: 1.1.0"))
    not_built = "greeting-service-1.1.0 is not built yet | run: soop build service_defs/greeting-service"
    assert refusal("greeting-service-1.1.0") == not_built
    assert refusal("greting-service-1.0.0").endswith("| did you mean greeting-service-1.0.0?")
    assert refusal("greeting-service-2.0.0").endswith("| greeting-service is there as 1.0.0")
    layer = store.open(GREETING).manifest.layers[0]
    store.layout.blob_file(layer.digest).unlink()
    broken = refusal(GREETING)
    assert broken.startswith(f"artifact {GREETING} is broken: blob {layer.digest} is missing")
    assert "soop build" in broken


def test_an_artifact_for_a_base_image_that_nobody_makes(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain_plan, "SUITES", {"debian-21": "x"})
    assert refused(built, "dev-one").problems == (
        "stacks/Pulumi.dev-one.yaml: soop:services[0].service: no base image debian-12; did you mean debian-21?",
    )
