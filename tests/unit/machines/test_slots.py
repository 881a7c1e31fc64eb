"""Slots: every environment gets a subnet of its own, and never one that the host uses for something else."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from soop_components.machines.local.root_helper import slots
from soop_components.machines.local.root_helper.failure import Refused


def choose(realm: str = "0123abcd", **changes: object) -> int:
    given: dict[str, object] = {"environment": "dev", "preferred": None, "taken": (), "foreign": (), **changes}
    return slots.choose_slot(realm, **given)


def test_subnets_are_private_and_disjoint() -> None:
    subnets = [slots.subnet(slot) for slot in range(slots.SLOTS)]
    assert all(network.is_private for network in subnets)
    assert len(set(subnets)) == slots.SLOTS
    assert {network.prefixlen for network in subnets} == {22}
    assert not any(network.overlaps(IPv4Network("10.96.0.0/12")) for network in subnets)


def test_a_slot_beyond_the_last_is_a_mistake() -> None:
    with pytest.raises(ValueError):
        slots.subnet(slots.SLOTS)


def test_the_choice_is_the_same_again_and_differs_between_realms_and_environments() -> None:
    assert choose() == choose()
    assert len({choose(), choose("fedcba98"), choose(environment="test")}) == 3


def test_a_taken_slot_is_not_chosen() -> None:
    first = choose()
    second = choose(taken=(first,))
    assert second != first
    assert choose(taken=(first, second)) not in (first, second)


def test_the_preferred_slot_is_chosen_if_it_is_free() -> None:
    assert choose(preferred=7) == 7
    assert choose(preferred=7, taken=(7,)) == choose()


def test_a_network_of_the_host_is_never_taken() -> None:
    first = slots.subnet(choose())
    assert not slots.subnet(choose(foreign=[str(first)])).overlaps(first)
    assert not slots.subnet(choose(foreign=[str(first[5])])).overlaps(first)
    assert not slots.subnet(choose(preferred=choose(), foreign=[str(first)])).overlaps(first)


def test_a_company_network_of_all_10_addresses_leads_to_another_range() -> None:
    assert slots.subnet(choose(foreign=["10.0.0.0/8", "default"])).subnet_of(IPv4Network("172.16.0.0/12"))
    foreign = ["10.0.0.0/8", "172.16.0.0/12"]
    assert slots.subnet(choose(foreign=foreign)).subnet_of(IPv4Network("198.18.0.0/15"))


def test_ways_to_everywhere_are_no_networks() -> None:
    assert choose(foreign=["default", "0.0.0.0/1", "128.0.0.0/1"]) == choose()


def test_no_free_subnet_is_reported() -> None:
    with pytest.raises(Refused, match="no subnet is free"):
        choose(foreign=["10.0.0.0/8", "172.16.0.0/12", "198.18.0.0/15"])


def test_numbers_are_stable_and_distinct() -> None:
    taken: set[int] = set()
    for index in range(100):
        name = f"web-{index}.access-service.dev-access"
        number = slots.choose_number(name, taken)
        assert slots.FIRST <= number <= slots.LAST
        taken.add(number)
    assert len(taken) == 100
    name = "web-1.access-service.dev-access"
    assert slots.choose_number(name, ()) == slots.choose_number(name, ())


def test_the_last_address_of_a_subnet_is_no_broadcast_address() -> None:
    assert slots.address(0, slots.LAST) == slots.subnet(0).broadcast_address - 1
    assert slots.address(0, 1) == slots.subnet(0).network_address + 1


def test_a_full_subnet_is_reported() -> None:
    with pytest.raises(Refused, match="1021 machines already"):
        slots.choose_number("web-1.access-service.dev-access", set(range(slots.FIRST, slots.LAST + 1)))
