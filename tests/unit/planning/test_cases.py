"""Definition and domain in, plan or problems out: one file each in ``cases/``.

``expect`` names what must be in the plan: the keys of a mapping are those that are looked at, except that of what has
names of its own (files, nodes, …) nothing more may be there; a list is whole; ``contains`` looks for parts of a text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soop_components.errors import InvalidInput
from soop_components.model.domain import DomainDefinition, DomainService
from soop_components.model.environment import Environment
from soop_components.model.service_plan import ServicePlan
from soop_components.planning.service import plan_service
from soop_components.reading.yaml_file import read_yaml
from tests.unit.planning.resolve import digest_of, resolve_data

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
WHOLE = {
    "files",
    "directories",
    "users",
    "links",
    "units",
    "components",
    "nodes",
    "roles",
    "packages",
    "endpoints",
    "secrets",
}


def plan_of(case: dict[str, Any]) -> ServicePlan:
    resolved = resolve_data(case)
    default = [{"service": f"{resolved.definition.service}-{resolved.definition.version}"}]
    data = {"services": default, **case.get("domain", {})}
    secrets = {name: tuple(keys) for name, keys in data.get("secrets", {}).items()}
    domain = DomainDefinition.model_validate({"id": "dev-access", "environment": "dev", **data, "secrets": secrets})
    services = {
        name: ServicePlan.model_validate({"service": name, "digest": digest_of(name), "roles": {}, "nodes": {}, **plan})
        for name, plan in case.get("services", {}).items()
    }
    service: DomainService = domain.services[0]
    return plan_service(resolved, digest_of("manifest"), domain, Environment(name="dev"), service, services)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = read_yaml(path, path.name).data
    if "problems" in case:
        with pytest.raises(InvalidInput) as raised:
            plan_of(case)
        assert sorted(raised.value.problems) == sorted(case["problems"])
    else:
        plan = plan_of(case)
        assert differences(case["expect"], plan.model_dump(mode="json", by_alias=True), "") == []
        assert ServicePlan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def differences(expected: Any, got: Any, path: str) -> list[str]:
    if isinstance(expected, dict) and set(expected) == {"contains"}:
        return [f"{path}: no {part!r} in {got!r}" for part in expected["contains"] if part not in got]
    if isinstance(expected, dict) and isinstance(got, dict):
        found = [f"{path}.{key}: is missing" for key in expected.keys() - got.keys()]
        if path.rsplit(".", 1)[-1] in WHOLE:
            found += [f"{path}.{key}: is too much" for key in got.keys() - expected.keys()]
        return found + [
            text
            for key in expected.keys() & got.keys()
            for text in differences(expected[key], got[key], f"{path}.{key}")
        ]
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        return [
            text
            for index, pair in enumerate(zip(expected, got, strict=True))
            for text in differences(*pair, f"{path}[{index}]")
        ]
    return [] if expected == got else [f"{path}: expected {expected!r}, got {got!r}"]
