"""Requirements between the services of a domain: met or refused with what to do, and the order that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from soop_components.errors import InvalidInput
from soop_components.model.domain import DomainDefinition
from soop_components.model.names import Reference
from soop_components.model.order import in_order
from soop_components.model.service import ServiceDefinition
from tests.domains import check_domain

RANGE = {"access-service": ">=3.2,<4"}


def definition(reference: str, requires: Mapping[str, str] | None = None) -> ServiceDefinition:
    name, version = Reference.parse(reference)
    return ServiceDefinition.model_validate(
        {
            "format": 1,
            "service": name,
            "version": version,
            "components": {"all": {"uses": "files"}},
            "nodes": {"node": {"components": ["all"]}},
            "requires": requires or {},
        }
    )


def problems(
    services: Mapping[str, Mapping[str, str]], built: tuple[str, ...] = (), together: Sequence[Sequence[str]] = ()
) -> list[str]:
    """Check a domain of these services, each with what it requires."""
    references = [{"service": reference} for reference in services]
    domain = DomainDefinition.model_validate(
        {"id": "dev-access", "environment": "dev", "services": references, "together": together}
    )
    definitions = {
        Reference.parse(reference).service: definition(reference, requires) for reference, requires in services.items()
    }
    try:
        check_domain(domain, definitions, "x", built=lambda: map(Reference.parse, built))
    except InvalidInput as error:
        return [problem.removeprefix("x: soop:services") for problem in error.problems]
    return []


@pytest.mark.parametrize("version", ["3.2.0", "3.9.1", "3.2.4-dev.0a1b2c3d"])
def test_a_requirement_that_is_met(version: str) -> None:
    assert problems({"gateway-service-1.2.3": RANGE, f"access-service-{version}": {}}) == []


def test_a_required_service_that_is_missing() -> None:
    said = "[0].service: gateway-service-1.2.3 requires access-service >=3.2,<4, which is not in this domain"
    advice, otherwise = "deploy both: soop deploy", "or remove gateway-service as well"
    assert problems({"gateway-service-1.2.3": RANGE}) == [
        f"{said}; {advice} access-service-VERSION gateway-service-1.2.3 dev-access; {otherwise}"
    ]
    built = ("access-service-3.2.3", "access-service-3.2.4-dev.1", "access-service-4.0.0", "other-service-3.9.0")
    assert problems({"gateway-service-1.2.3": RANGE}, built) == [
        f"{said}; {advice} access-service-3.2.3 gateway-service-1.2.3 dev-access; {otherwise}"
    ]


@pytest.mark.parametrize("version", ["3.1.9", "4.0.0", "4.0.0-dev.0a1b2c3d"])
def test_a_required_service_in_another_version(version: str) -> None:
    services: dict[str, dict[str, str]] = {f"access-service-{version}": {}, "gateway-service-1.2.3": RANGE}
    said = f"[1].service: gateway-service-1.2.3 requires access-service >=3.2,<4 (got access-service-{version})"
    otherwise = f"or deploy a version of gateway-service that accepts {version}"
    assert problems(services) == [f"{said}; build and deploy one that fits, {otherwise}"]
    assert problems(services, ("access-service-3.2.3", "access-service-3.4.0")) == [
        f"{said}; deploy one that fits, such as access-service-3.4.0, {otherwise}"
    ]


def test_services_that_require_each_other() -> None:
    services = {
        "a-service-1.0.0": {"b-service": ">=1"},
        "b-service-1.0.0": {"c-service": ">=1"},
        "c-service-1.0.0": {"a-service": ">=1"},
    }
    (problem,) = problems(services)
    assert problem == (
        ": services require each other in a circle: "
        "a-service requires b-service requires c-service requires a-service; "
        "take one of these requirements out and build that service again"
    )


def test_a_group_that_waits_for_a_service_which_waits_for_it_is_refused() -> None:
    requires = {"portal-1.0.0": {"access-service": ">=3"}, "gateway-service-1.2.3": {"portal": ">=1"}}
    services = {"access-service-3.2.3": {}, **requires, "news-service-1.0.0": {}}
    (problem,) = problems(services, together=[["gateway-service", "access-service"]])
    assert problem == (
        "x: soop:together: groups and services require each other in a circle: "
        "the group of access-service and gateway-service requires portal requires "
        "the group of access-service and gateway-service; put all of them into one group, or leave the group out"
    )
    assert problems(services, together=[["gateway-service", "portal", "access-service"]]) == []
    assert problems(services, together=[["news-service", "access-service"]]) == []


def test_a_requirement_that_two_entries_could_meet_is_refused() -> None:
    references = [{"service": f"access-service-{version}"} for version in ("3.2.3", "3.2.4")]
    references.append({"service": "gateway-service-1.2.3"})
    domain = DomainDefinition.model_validate({"id": "dev-access", "environment": "dev", "services": references})
    with pytest.raises(InvalidInput) as caught:
        check_domain(domain, {"gateway-service": definition("gateway-service-1.2.3", RANGE)}, "x")
    said = "access-service is in this domain already; a service is at most once in a domain"
    assert caught.value.problems == (f"x: soop:services[1].service: {said}",)


def test_every_service_is_released_after_those_it_requires() -> None:
    definitions = {
        "portal": definition("portal-1.0.0", {"gateway-service": ">=1", "access-service": ">=3"}),
        "gateway-service": definition("gateway-service-1.2.3", RANGE),
        "news-service": definition("news-service-1.0.0"),
        "access-service": definition("access-service-3.2.3"),
    }
    order = in_order({name: each.requires.keys() for name, each in definitions.items()})
    assert sorted(order) == sorted(definitions)
    assert order.index("access-service") < order.index("gateway-service") < order.index("portal")
