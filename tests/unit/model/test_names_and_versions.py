from __future__ import annotations

import random
import re

import pytest

from soop_components.model.names import (
    ROLE_NAME,
    NodeName,
    Reference,
    did_you_mean,
    environment_of,
    listed,
    shown,
)
from soop_components.model.problem import got, path_text
from soop_components.model.versions import VersionRange, next_patch, version_key
from soop_components.planning.marks import secret_mark


@pytest.mark.parametrize(
    ("text", "service", "version"),
    [
        ("access-service-3.2.3", "access-service", "3.2.3"),
        ("a-0.0.1", "a", "0.0.1"),
        ("access2-3.2.3", "access2", "3.2.3"),
        ("access-service-3.2.4-dev.0123456789ab", "access-service", "3.2.4-dev.0123456789ab"),
    ],
)
def test_references(text: str, service: str, version: str) -> None:
    assert Reference.parse(text) == (service, version)
    assert str(Reference(service, version)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "access-service",
        "access-service-3.2",
        "3.2.3",
        "-3.2.3",
        "Access-3.2.3",
        "a-3.2.3\n",
        "a-3.2.03",
        "a-٣.2.3",
        "../a-1.0.0",
    ],
)
def test_what_is_not_a_reference(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected <service>-<version> such as access-service-3\.2\.3"):
        Reference.parse(text)


def test_names() -> None:
    assert environment_of("dev-one-access") == "dev"
    name = NodeName("web", 1, "access-service", "dev-access")
    assert str(name) == "web-1.access-service.dev-access"
    assert NodeName.parse(str(name)) == name
    assert name.short == "web-1"
    assert did_you_mean("datbase", ["database", "web"]) == "did you mean database?"
    assert did_you_mean("x", ["database", "web"]) == ""


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("a b.c", "a b.c"),
        ("", '""'),
        (" a", '" a"'),
        ("a\n\x1b", r"'a\n\x1b'"),
        ("a" * 121, "a" * 119 + "…"),
    ],
)
def test_a_name_can_be_seen_in_a_message(name: str, seen: str) -> None:
    assert shown(name) == seen
    assert path_text(("a", name, 1)) == f"a.{seen}[1]"


def test_what_stands_for_a_secret_can_be_seen() -> None:
    assert shown(secret_mark("key")) == "@@soop-secret:key@@"
    assert got(secret_mark("key")) == '(got "@@soop-secret:key@@")'


def test_advice_takes_no_longer_than_it_is_worth() -> None:
    """Comparing long texts, or many, takes minutes."""
    many = [f"{'x' * 30}{number}" for number in range(200_000)]
    assert did_you_mean("x" * 30, many)
    assert did_you_mean("x" * 50_000 + "y", ["x" * 50_000]) == ""
    assert did_you_mean("x" * 100, ["x" * 99])
    assert listed(many[:3]) == ", ".join(many[:3])
    assert listed(many) == ", ".join(many[:20]) + ", 199980 more"


@pytest.mark.parametrize("reference", [f"{'a' * 41}-1.0.0", f"a-{'9' * 5000}.0.0"])
def test_no_part_of_a_reference_is_longer_than_the_model_says(reference: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a (service|version) of at most [46]0 characters in"):
        Reference.parse(reference)


@pytest.mark.parametrize("role", ["web-1", "web.x", "web-", "1web"])
def test_no_role_makes_two_nodes_share_a_name(role: str) -> None:
    """The number in ``web-1-2`` could belong to the role, a dot could begin the service."""
    assert re.fullmatch(ROLE_NAME, role) is None


def test_order_of_versions() -> None:
    ordered = [
        "0.9.9",
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.10",
        "1.2.0",
    ]
    shuffled = random.Random(1).sample(ordered, len(ordered))
    assert sorted(shuffled, key=version_key) == ordered


def test_next_patch() -> None:
    assert next_patch("3.2.3") == "3.2.4"
    assert next_patch("3.2.4-dev.1") == "3.2.4"


@pytest.mark.parametrize(
    ("text", "version", "admitted"),
    [
        (">=3.2,<4", "3.2.0", True),
        (">=3.2,<4", "3.1.9", False),
        (">=3.2,<4", "4.0.0", False),
        (">= 3.2.1, != 3.2.5", "3.2.5", False),
        ("=3.2.3", "3.2.3", True),
        (">3.0.0", "3.0.0", False),
        (">=3.2,<4", "3.2.4-dev.0a1b2c", True),
        (">=3.2,<4", "4.0.0-dev.0a1b2c", False),
        (">=4.0.0-dev.0,<4.0.0-rc.1", "4.0.0-dev.0a1b2c", True),
        ("<=3.2.3-rc.1", "3.2.3", False),
    ],
)
def test_ranges(text: str, version: str, admitted: bool) -> None:
    assert VersionRange.parse(text).admits(version) is admitted


@pytest.mark.parametrize("text", ["", "3.2", "~> 3", ">=3.2,", ">=3.2.1.1", ">=03", ">=" + "9" * 5000])
def test_what_is_not_a_range(text: str) -> None:
    with pytest.raises(ValueError, match="expected a range of versions"):
        VersionRange.parse(text)


@pytest.mark.parametrize("text", ["=3.2", ">3", "<=3", "!=3.2"])
def test_a_range_that_people_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=rf"{text} is ambiguous: write .*\.0, or a range such as >=3\.2,<4"):
        VersionRange.parse(text)
