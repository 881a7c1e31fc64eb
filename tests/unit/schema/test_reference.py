"""docs/reference: current, and its examples are what the loaders and the planner take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from docs.generated_parts import filled, keys
from soop_components.deployment.environment_file import load_environment
from soop_components.library import load_block
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.service import ServiceDefinition
from soop_components.model.service_checks import service_problems
from soop_components.planning.encodings import ENCODINGS
from soop_components.planning.filters import FILTERS
from soop_components.planning.service import plan_service
from soop_components.reading.loader import domain_from_document, load_model
from soop_components.reading.yaml_file import parse_yaml
from soop_components.schema.schemas import SCHEMAS
from tests.unit.planning.resolve import digest_of, resolve
from tests.unit.schema.test_schemas import mistakes

REFERENCE = Path(__file__).resolve().parents[3] / "docs/reference"
PAGES = sorted(REFERENCE.glob("*.md"))


def example(page: str) -> str:
    """Return the annotated example of a page: its only block that names a schema."""
    (text,) = re.findall(r"^```yaml\n(# yaml-language-server.*?)^```", (REFERENCE / page).read_text(), re.M | re.S)
    return str(text)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_a_page_says_what_the_models_say(page: Path) -> None:
    assert page.read_text() == filled(page.read_text()), "the models or blocks have changed: make docs"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_kind_of_file_has_a_page(name: str) -> None:
    assert any(f"<!-- keys of {name} -->" in page.read_text() for page in PAGES)


def test_the_example_of_a_service_definition_is_one() -> None:
    document = parse_yaml(example("service.md"), "service.yaml")
    load_model(ServiceDefinition, document, "service.yaml", service_problems)
    assert unused("service", document.data, {"uses", "format"}) == set()


def test_the_example_of_a_domain_definition_is_one() -> None:
    document = parse_yaml(example("domain.md"), "Pulumi.dev-access.yaml")
    domain = domain_from_document("dev-access", document, "Pulumi.dev-access.yaml")
    assert domain.secrets == {"access-service": ("api_key",)}
    assert unused("domain", document.data) == set()
    assert mistakes("domain", document.data) == []


def test_the_example_of_an_environment_is_one(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(example("environment.md"))
    environment = load_environment(tmp_path / "dev.yaml", "dev.yaml")
    assert environment.reliability.protect_stateful


def test_the_example_of_a_block_is_planned(tmp_path: Path) -> None:
    folder = tmp_path / "blocks/static_site"
    folder.mkdir(parents=True)
    (folder / "block.yaml").write_text(example("blocks.md"))
    (folder / "site.j2").write_text("listen {{ params.port }};\n")
    block = load_block("static_site", tmp_path).block
    definition = ServiceDefinition.model_validate(
        {
            "format": 1,
            "service": "handbook-service",
            "version": "1.0.0",
            "components": {"site": {"uses": "static_site", "with": {"pages": "pages/"}}},
            "nodes": {"web": {"components": ["site"]}},
        }
    )
    resolved = resolve(definition, {"pages/index.html": "hello"}, {"static_site": block})
    domain = DomainDefinition.model_validate(
        {"id": "dev-test", "environment": "dev", "services": [{"service": "handbook-service-1.0.0"}]}
    )
    plan = plan_service(resolved, digest_of("m"), domain, Environment(name="dev"), domain.services[0], {})
    component = plan.roles["web"].components["site"]
    assert sorted(component.files) == [
        "/etc/motd",
        "/etc/nginx/conf.d/handbook-service.conf",
        "/srv/handbook-service/index.html",
    ]
    assert component.files["/etc/motd"].content == "Welcome to handbook-service\n"
    assert [script.name for script in component.scripts] == ["validate"]
    assert list(plan.roles["web"].packages) == ["nginx-light"]


def test_every_filter_of_templates_is_listed() -> None:
    chapter = (REFERENCE / "service.md").read_text().partition("| filters |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"`(\w+)`", chapter)) == sorted({**FILTERS, **ENCODINGS})


def unused(kind: str, data: Any, besides: set[str] = frozenset()) -> set[str]:
    """Return the last words of the keys that the example shows nowhere."""
    shown = set(words(data)) | besides
    return {path.rsplit(".", 1)[-1] for path, _, _ in keys(SCHEMAS[kind]())} - shown


def words(data: Any) -> list[str]:
    """Return all keys at all depths."""
    if isinstance(data, dict):
        return [str(key) for key in data] + [word for each in data.values() for word in words(each)]
    return [word for each in data for word in words(each)] if isinstance(data, list) else []
