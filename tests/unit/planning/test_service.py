from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.deployment.environment_file import load_environment
from soop_components.errors import InvalidInput, SoopError
from soop_components.model.block import Block
from soop_components.model.domain import DomainDefinition
from soop_components.model.service_plan import ServicePlan
from soop_components.planning import service
from soop_components.planning.component_needs import component_packages, component_sources
from soop_components.reading.loader import load_domain, load_service
from tests.unit.planning.resolve import digest_of, resolve, resolve_data

ROOT = Path(__file__).parents[3]
ENVIRONMENT = load_environment(ROOT / "stacks/environments/dev.yaml", "dev.yaml")


def plan_example(domain: DomainDefinition) -> ServicePlan:
    """Plan the example service."""
    folder = ROOT / "service_defs/access-service"
    definition = load_service(folder, "access-service")
    files = {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.suffix in (".py", ".sql")
    }
    return service.plan_service(resolve(definition, files), digest_of("m"), domain, ENVIRONMENT, domain.services[0], {})


@pytest.mark.parametrize("domain", ["dev-access", "dev-one-access"])
def test_the_example_has_a_plan_in_its_domains(domain: str) -> None:
    plan = plan_example(load_domain(ROOT / f"stacks/Pulumi.{domain}.yaml", domain, domain))
    web, database = plan.roles["web"], plan.roles["database"]
    assert list(web.packages) == ["gunicorn", "nginx-light", "python3-flask", "python3-psycopg2"]
    assert list(database.packages) == ["postgresql-15"]
    assert "/opt/access-service/access.py" in web.components["api"].files
    assert [script.name for script in database.components["store"].scripts] == ["cluster", "database", "migrations"]
    assert plan.secrets == {"database_password": 32}
    assert [test.name for test in plan.smoke_tests] == [
        "every web node answers with this version",
        "a granted reader may read",
    ]
    assert plan.endpoints["http"][0] == f"http://web-1.access-service.{domain}:80"
    login = ":".join(f"@@soop-secret:database_password|{each}|systemd@@" for each in ("fingerprint", "url"))
    url = f"postgresql://access_{login}@database-1.access-service.{domain}:5432/access"
    assert f'DATABASE_URL="{url}"\n' in (web.components["api"].files["/etc/access-service/api.env"].content or "")


def test_a_second_plan_is_the_same() -> None:
    domain = load_domain(ROOT / "stacks/Pulumi.dev-access.yaml", "dev-access", "dev-access")
    assert plan_example(domain).model_dump_json() == plan_example(domain).model_dump_json()


def test_nodes_of_a_role_share_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many nodes there are, each component is expanded once."""
    expanded: list[str] = []
    expand = service.expand

    def counting(block: Block, *arguments: object) -> object:
        expanded.append(block.block)
        return expand(block, *arguments)

    monkeypatch.setattr(service, "expand", counting)
    data = {
        "id": "dev-access",
        "environment": "dev",
        "services": [{"service": "access-service-3.2.3", "nodes": {"web": 1000}}],
    }
    plan = plan_example(DomainDefinition.model_validate(data))
    assert len(plan.nodes) == 1001
    assert sorted(expanded) == ["nginx_site", "postgresql", "systemd_service"]
    assert plan.nodes["web-1000.access-service.dev-access"].values["number"] == "1000"
    assert len(plan.endpoints["http"]) == 1000


def own_block(**parts: object) -> Block:
    return Block.model_validate({"format": 1, "block": "own", "summary": "", **parts})


def test_sources_are_what_path_parameters_name() -> None:
    block = own_block(
        parameters={
            "one": {"type": "path"},
            "default": {"type": "path", "default": "there"},
            "list": {"type": "list", "items": "path"},
            "keys": {"type": "map", "keys": "path", "items": "string"},
            "values": {"type": "map", "items": "path"},
            "text": {"type": "string"},
        }
    )
    with_ = {"one": "a/", "list": ["b", "c"], "keys": {"d/": "/opt"}, "values": {"e": "f"}, "text": "/etc"}
    assert component_sources(block, with_) == ({"a/", "there", "b", "c", "d/", "f"}, [])
    assert component_sources(block, {}) == ({"there"}, [])


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../b", "a//b", "./a", "", "~/x", "a\\b", "a\nb", "{{ config.x }}", 5]
)
def test_sources_stay_inside_the_service_definition(path: object) -> None:
    block = own_block(parameters={"one": {"type": "path"}})
    paths, (problem,) = component_sources(block, {"one": path})
    assert paths == set()
    assert problem.startswith("one: ")


def test_packages_follow_from_parameters_alone() -> None:
    block = own_block(
        parameters={
            "more": {"type": "list"},
            "extra": {"type": "boolean", "default": False},
            "port": {"type": "integer"},
        },
        packages=["base", "{{ params.more }}", {"name": "extra", "when": "{{ params.extra }}"}],
    )
    with_ = {"more": ["b", "a"], "port": "{{ config.port }}"}
    assert [str(each) for each in component_packages(block, with_, "debian-12")] == ["a", "b", "base"]
    assert [str(each) for each in component_packages(block, {"extra": True}, "debian-12")] == ["base", "extra"]
    with pytest.raises(SoopError, match=r"block own: packages: 'more' is not defined") as raised:
        component_packages(block, {"more": "{{ config.packages }}"}, "debian-12")
    assert raised.value.hint == "packages can depend only on parameters, and those cannot be templates then"
    with pytest.raises(SoopError, match=r"expected the name of a package \(got \"@@soop-node:name@@\"\)"):
        component_packages(own_block(packages=["@@soop-node:name@@", "base"]), {}, "debian-12")


def test_a_missing_file_is_named_with_the_nearest_one() -> None:
    data = {
        "definition": {
            "components": {"api": {"uses": "own", "with": {"tree": "tree/"}}},
            "nodes": {"web": {"components": ["api"]}},
        },
        "files": {"tree/access.py": ""},
        "blocks": {"own": {"parameters": {"tree": {"type": "path"}}, "files": {"/x": {"source": "tree/acess.py"}}}},
    }
    domain = DomainDefinition.model_validate(
        {"id": "dev-a", "environment": "dev", "services": [{"service": "test-service-1.0.0"}]}
    )
    with pytest.raises(InvalidInput) as raised:
        service.plan_service(resolve_data(data), digest_of("m"), domain, ENVIRONMENT, domain.services[0], {})
    assert raised.value.problems == (
        "test-service-1.0.0: components.api (block own): files./x: "
        "the artifact has no file tree/acess.py; did you mean tree/access.py?",
    )
