"""Capacity of an environment: what domains take of it, and what is said when it is not enough."""

from __future__ import annotations

import pytest

from soop_components.model.capacity import Demand, capacity_problems, demand_of
from soop_components.model.domain import DomainService
from soop_components.model.environment import Capacity, Environment, MachineSize
from soop_components.model.service import ServiceDefinition

MIB = 1024**2
SIZES = {"small": MachineSize(cpus=1, memory="512MiB"), "large": MachineSize(cpus=4, memory="4GiB")}
DEFINITION = ServiceDefinition.model_validate(
    {
        "format": 1,
        "service": "access-service",
        "version": "3.2.3",
        "components": {"all": {"uses": "files"}},
        "nodes": {
            "database": {"components": ["all"], "size": "large"},
            "web": {"components": ["all"], "count": {"default": 2}},
        },
    }
)


def environment(**capacity: object) -> Environment:
    return Environment(name="dev", sizes=SIZES, capacity=Capacity.model_validate(capacity))


def asks(**nodes: int) -> DomainService:
    return DomainService(service="access-service-3.2.3", nodes=nodes)


def test_a_service_takes_what_the_environment_s_sizes_say() -> None:
    assert demand_of(asks(), DEFINITION, environment()) == Demand(3, 6, 5 * 1024 * MIB)
    assert demand_of(asks(web=4, database=0), DEFINITION, environment()) == Demand(4, 4, 4 * 512 * MIB)
    halved = environment().model_copy(update={"sizes": {**SIZES, "large": MachineSize(cpus=2, memory="2GiB")}})
    assert demand_of(asks(), DEFINITION, halved) == Demand(3, 4, 3 * 1024 * MIB)


def test_of_a_service_that_is_not_known_only_the_counted_nodes_are_counted() -> None:
    assert demand_of(asks(web=4), None, environment()) == Demand(4)


def test_what_fits_exactly_fits() -> None:
    full = environment(nodes=5, cpus=8, memory="6GiB")
    others = {"dev-one": Demand(2, 2, 1024 * MIB)}
    assert capacity_problems(full, "dev-two", Demand(3, 6, 5 * 1024 * MIB), others) == []


def test_what_has_no_limit_is_not_counted() -> None:
    assert capacity_problems(environment(), "dev-two", Demand(10**6, 10**6, 10**15), {}) == []
    assert capacity_problems(environment(nodes=4), "dev-two", Demand(4, 10**6, 10**15), {}) == []


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"nodes": 4}, "4 nodes; dev-two asks for 3 nodes, 2 of them are taken by dev-one (2)"),
        ({"nodes": 1}, "1 node; dev-two asks for 3 nodes, 2 of them are taken by dev-one (2)"),
        ({"cpus": 7}, "7 cpus; dev-two asks for 6 cpus, 2 of them are taken by dev-one (2)"),
        (
            {"memory": "5GiB"},
            "5GiB of memory; dev-two asks for 5GiB of memory, 1536MiB of them are taken by dev-one (1536MiB)",
        ),
    ],
)
def test_too_little(limit: dict[str, object], said: str) -> None:
    others = {"dev-one": Demand(2, 2, 1536 * MIB), "dev-none": Demand()}
    found = capacity_problems(environment(**limit), "dev-two", Demand(3, 6, 5 * 1024 * MIB), others)
    assert found == [f"environment dev has {said}"]


def test_everything_there_is_too_little_of_is_reported() -> None:
    found = capacity_problems(environment(nodes=2, cpus=2, memory="1GiB"), "dev-two", Demand(3, 3, 3 * 512 * MIB), {})
    assert found == [
        "environment dev has 2 nodes; dev-two asks for 3 nodes, no other domain takes any",
        "environment dev has 2 cpus; dev-two asks for 3 cpus, no other domain takes any",
        "environment dev has 1GiB of memory; dev-two asks for 1536MiB of memory, no other domain takes any",
    ]


def test_the_domains_that_take_most_are_named_first_and_not_all() -> None:
    others = {f"dev-{letter}": Demand(number) for number, letter in enumerate("abcdefgh", 1)}
    (found,) = capacity_problems(environment(nodes=36), "dev-two", Demand(1), others)
    assert found == (
        "environment dev has 36 nodes; dev-two asks for 1 node, 36 of them are taken by "
        "dev-h (8), dev-g (7), dev-f (6), dev-e (5), dev-d (4), 3 more"
    )
