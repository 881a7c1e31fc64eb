from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.deployment.environment_file import load_environment
from soop_components.errors import InvalidInput
from soop_components.model.domain_checks import all_problems
from soop_components.model.size import bytes_of
from soop_components.reading.loader import load_domain, load_service
from soop_components.reading.mistakes import Mistakes
from tests.domains import check_domain, domain_from_config

GOOD = Path(__file__).parent / "good"


def test_a_service_definition() -> None:
    definition = load_service(GOOD, "service_defs/access-service")
    assert definition.components["store"].with_ == {"database": "access", "mode": "0644"}
    assert definition.nodes["web"].after == ("database",)
    assert definition.nodes["web"].count.default == 2
    assert definition.smoke_tests[0].http is not None
    assert definition.smoke_tests[0].http.expect.json_ == {"version": "3.2.3"}


def test_a_definition_is_frozen() -> None:
    definition = load_service(GOOD, "x")
    with pytest.raises(ValueError, match="frozen"):
        definition.version = "3.2.4"


def test_a_domain_definition(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev-one-access.yaml"
    file.write_text("""\
secretsprovider: passphrase
encryptionsalt: v1:abc
config:
  aws:region: eu-west-1
  soop:environment: dev
  soop:services:
    - {service: access-service-3.2.3, nodes: {web: 4}, config: {port: 8081, title: Access}}
    - service: other-service-3.2.0
  soop:secrets:
    access-service: {token: {secure: v1:abc}}
""")
    domain = load_domain(file, "dev-one-access", "stacks/Pulumi.dev-one-access.yaml")
    assert domain.id == "dev-one-access"
    assert domain.environment == "dev"
    assert [str(service.reference) for service in domain.services] == ["access-service-3.2.3", "other-service-3.2.0"]
    assert domain.secrets == {"access-service": ("token",)}
    definitions = {"access-service": load_service(GOOD, "x")}
    check_domain(domain, definitions, "x")


def test_a_domain_out_of_the_program_is_checked_alike() -> None:
    services = [{"service": "access-service-3.2.3", "nodes": {"web": 0}}, {"service": "other-service-3.2.0"}]
    domain = domain_from_config("dev-access", "dev", services, {"access-service": ["token"]}, "stacks/x.yaml")
    with pytest.raises(InvalidInput) as caught:
        check_domain(domain, {"access-service": load_service(GOOD, "x")}, "stacks/x.yaml")
    assert caught.value.problems == (
        "stacks/x.yaml: soop:services[0].nodes.web: expected 1 to 1000 nodes (got 0)",
        "stacks/x.yaml: soop:services[0].config.title: is required: access-service-3.2.3 has no default for it",
    )


@pytest.mark.parametrize("to", ["3.2.3", "3.2.2"])
def test_a_word_about_another_downgrade_is_a_mistake(to: str) -> None:
    word = {"from": "3.3.0", "to": to, "by": "migrations"}
    services = [{"service": "access-service-3.2.3", "lose_data": word}]
    domain = domain_from_config("dev-access", "dev", services, {}, "x")
    problems = [problem.line("x") for problem in all_problems(domain, {"access-service": load_service(GOOD, "x")})]
    expected = (
        'x: soop:services[0].lose_data.to: expected 3.2.3 (got "3.2.2"); remove lose_data, said of another downgrade'
    )
    assert (expected in problems) == (to != "3.2.3")


@pytest.mark.parametrize("name", ["access", "dev_access", "Dev-access", "dev-", "9dev-x", "dev-access\n"])
def test_what_is_not_a_domain_id(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        domain_from_config(name, "dev", [{"service": "a-1.0.0"}], {}, "x")
    assert caught.value.problems[0].startswith("x: the stack's name: expected a domain id such as dev-access")


def test_an_environment(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text("capacity: {nodes: 40}\naccessibility: {allow_from: [203.0.113.0/24]}\n")
    environment = load_environment(tmp_path / "dev.yaml", "x")
    assert environment.name == "dev"
    assert environment.machines == "local"
    (tmp_path / "empty.yaml").touch()
    assert load_environment(tmp_path / "empty.yaml", "x").name == "empty"


def test_an_environment_with_a_name_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "pre-prod.yaml").touch()
    with pytest.raises(InvalidInput, match="name: expected an environment's name such as dev"):
        load_environment(tmp_path / "pre-prod.yaml", "x")


def test_mistakes_of_all_files_together(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("format: 1\nformat: 1\n")
    (tmp_path / "dev.yaml").write_text("machines: lokal")
    mistakes = Mistakes()
    assert mistakes.attempt(lambda: load_service(tmp_path, "service_defs/a")) is None
    assert mistakes.attempt(lambda: load_environment(tmp_path / "dev.yaml", "dev.yaml")) is None
    assert mistakes.attempt(lambda: load_environment(tmp_path / "no.yaml", "no.yaml")) is None
    with pytest.raises(InvalidInput) as caught:
        mistakes.raise_if_any()
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        *["service_defs/a/service.yaml"] * 5,
        "dev.yaml",
        "no.yaml",
    ]


def test_sizes() -> None:
    assert [bytes_of(size) for size in ("512MiB", "10GiB", "1TiB")] == [512 * 2**20, 10 * 2**30, 2**40]
