"""Which further problems of a document with mistakes are reported: those that do not depend on the mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.errors import InvalidInput
from soop_components.model.domain import DomainService
from soop_components.model.names import Reference
from soop_components.model.problem import Problem, ProblemKind
from soop_components.model.service import ServiceDefinition
from soop_components.model.service_checks import service_problems
from soop_components.reading.loader import load_model
from soop_components.reading.partial import Partial
from soop_components.reading.yaml_file import Document
from tests.domains import domain_from_config

PARTIAL = Partial(object(), frozenset({("components", "web")}))


def service(**changes: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "service": "x-service",
        "version": "1.0.0",
        "components": {"web": {"uses": "files"}},
        "nodes": {"node": {"components": ["web"]}},
        **changes,
    }


def problems_of(data: object) -> tuple[str, ...]:
    with pytest.raises(InvalidInput) as caught:
        load_model(ServiceDefinition, Document(data), "x", service_problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("problem", "certain"),
    [
        (Problem(("components", "web", "with"), "is wrong"), False),
        (Problem(("components", "other"), "is wrong"), False),
        (Problem(("nodes", "a"), "is wrong"), True),
        (Problem.unknown(("nodes", "a", "components", 0), "component", "web", ()), False),
        (Problem.unknown(("nodes", "a", "components", 0), "component", "web-b", ()), True),
        (Problem(("nodes", "a"), "no component web", ProblemKind.WRONG_VALUE), True),
        (Problem(("nodes", "a"), "no node definition uses this component", ProblemKind.UNUSED), True),
    ],
)
def test_the_kind_of_a_problem_says_what_it_depends_on(problem: Problem, certain: bool) -> None:
    assert PARTIAL.certain([problem]) == [problem] * certain


def test_a_name_of_what_is_mistaken_is_not_unknown() -> None:
    components = {"web": {"use": "files"}, "store": {"uses": "files"}}
    assert set(
        problems_of(service(components=components, nodes={"node": {"components": ["web", "store", "web-b"]}}))
    ) == {
        "x: components.web.use: unknown key; did you mean uses?",
        "x: components.web.uses: is required",
        "x: nodes.node.components[2]: no component web-b; there is store",
    }


def test_an_item_keeps_its_number_behind_one_that_was_removed() -> None:
    partial = Partial(object(), frozenset({("tests", 0), ("tests", 2)}))
    assert partial.certain([Problem(("tests", 0, "name"), "is wrong"), Problem(("tests", 1, "name"), "is wrong")]) == [
        Problem(("tests", 1, "name"), "is wrong"),
        Problem(("tests", 3, "name"), "is wrong"),
    ]


def test_keys_are_those_that_people_write_and_not_those_of_the_program() -> None:
    assert "x: components.web.with_: unknown key; did you mean with?" in problems_of(
        service(components={"web": {"uses": "files", "with_": {}}})
    )
    with pytest.raises(InvalidInput) as caught:
        domain_from_config("dev-x", "dev", [{"reference": "x-service-1.0.0"}], {}, "x")
    assert any("soop:services[0].reference: unknown key" in problem for problem in caught.value.problems)


def test_a_reference_is_parsed_once_and_written_as_text() -> None:
    parsed = DomainService.model_validate({"service": "x-service-1.0.0"})
    assert parsed.reference == Reference("x-service", "1.0.0")
    assert DomainService(reference=parsed.reference).reference is parsed.reference
    assert parsed.model_dump(mode="json", include={"reference"}) == {"reference": "x-service-1.0.0"}
    for wrong, said in ((3, "expected text (got 3)"), ("x", "expected <service>-<version> such as")):
        with pytest.raises(InvalidInput, match=r"x: soop:services\[0\]\.service: ") as caught:
            domain_from_config("dev-x", "dev", [{"service": wrong}], {}, "x")
        assert said in caught.value.problems[0]
