"""Schemas for editors: current, and in agreement with the files that we ship and with the loaders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from docs.generated_parts import keys
from soop_components.reading.yaml_file import read_yaml
from soop_components.schema.schemas import FOLDER, OUTPUTS, SCHEMAS, schema_text
from tests.shipped import is_shipped

CHECKOUT = Path(__file__).resolve().parents[3]
STARTER = CHECKOUT / "soop_components/starter"
SHIPPED = {
    "service": [
        *CHECKOUT.glob("service_defs/*/service.yaml"),
        *STARTER.glob("templates/*/service_defs/*/service.yaml"),
    ],
    "domain": [*CHECKOUT.glob("stacks/Pulumi.*.yaml"), *STARTER.glob("templates/*/stacks/Pulumi.*.yaml")],
    "environment": [*CHECKOUT.glob("stacks/environments/*"), *STARTER.glob("files/stacks/environments/*")],
    "block": [*CHECKOUT.glob("soop_components/library/*/block.yaml"), *CHECKOUT.glob("service_defs/*/blocks/*/*.yaml")],
}
FILES = [(kind, file) for kind, files in SHIPPED.items() for file in sorted(files) if is_shipped(file)]


def mistakes(kind: str, data: Any) -> list[str]:
    schema = SCHEMAS[kind]()
    jsonschema.Draft202012Validator.check_schema(schema)
    return [
        f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(data)
    ]


@pytest.mark.parametrize("name", SCHEMAS | OUTPUTS)
def test_the_committed_schema_is_current(name: str) -> None:
    committed = (CHECKOUT / FOLDER / f"{name}.json").read_text()
    assert committed == schema_text(name), "the models have changed: make docs"


@pytest.mark.parametrize(("kind", "file"), FILES, ids=[str(file.relative_to(CHECKOUT)) for _, file in FILES])
def test_a_shipped_file_fits_and_points_editors_at_its_schema(kind: str, file: Path) -> None:
    assert mistakes(kind, read_yaml(file, file.name).data) == []
    modeline = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text())
    assert modeline is not None
    root = next((folder.parent for folder in file.parents if folder.name in ("service_defs", "stacks")), CHECKOUT)
    assert (file.parent / modeline[1]).resolve() == root / FOLDER / f"{kind}.json"


def test_every_kind_of_file_is_shipped() -> None:
    assert all(SHIPPED.values())


@pytest.mark.parametrize("name", SCHEMAS | OUTPUTS)
def test_every_key_says_what_it_is_for(name: str) -> None:
    found = list(keys((SCHEMAS | OUTPUTS)[name]()))
    assert found
    assert [key.path for key in found if not key.schema.get("description")] == []


GOOD_SERVICE: dict[str, Any] = {
    "format": 1,
    "service": "x",
    "version": "1.0.0",
    "components": {"a": {"uses": "files"}},
    "nodes": {"web": {"components": ["a"]}},
}
GOOD_DOMAIN: dict[str, Any] = {"soop:environment": "dev", "soop:services": [{"service": "x-1.0.0"}]}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("service", GOOD_SERVICE | {"versoin": "1.0.0"}),
        ("service", GOOD_SERVICE | {"version": 1.0}),
        ("service", {key: value for key, value in GOOD_SERVICE.items() if key != "nodes"}),
        ("service", GOOD_SERVICE | {"nodes": {"Web": {"components": ["a"]}}}),
        ("service", GOOD_SERVICE | {"nodes": {"web": {"components": ["a"], "count": {"maximum": 0}}}}),
        ("domain", {"config": GOOD_DOMAIN | {"soop:service": []}}),
        ("domain", {"config": GOOD_DOMAIN | {"soop:secrets": {"x": {"password": "plain"}}}}),
        ("environment", {"machines": "cloud"}),
        ("environment", {"name": "dev"}),
        ("block", {"format": 1, "block": "x", "summary": "x", "templates": {"a.j2": ""}}),
        ("block", {"format": 1, "block": "x", "summary": "x", "files": {"/x": {"contents": ""}}}),
    ],
)
def test_an_editor_sees_mistakes(kind: str, data: Any) -> None:
    assert mistakes(kind, data) != []


def test_other_configuration_of_a_stack_is_not_ours() -> None:
    assert mistakes("domain", {"config": GOOD_DOMAIN | {"aws:region": "eu-west-1"}, "encryptionsalt": "v1:x"}) == []
