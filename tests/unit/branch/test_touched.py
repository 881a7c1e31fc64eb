"""Which domains a branch touches."""

from __future__ import annotations

import pytest

from soop_components.branch.touched import DomainNames, Touch, touched
from soop_components.model.names import Reference

DOMAINS = {
    "dev-one": DomainNames("dev", (Reference("shop", "1.0.0"), Reference("desk", "2.0.0"))),
    "dev-two": DomainNames("dev", (Reference("shop", "1.1.0"),)),
    "prod-one": DomainNames("prod", (Reference("shop", "1.0.0"),)),
}
SOURCES = {"shop": Reference("shop", "1.1.0"), "the-desk": Reference("desk", "2.0.0")}
BEFORE = {"shop": Reference("shop", "1.0.0"), "the-desk": Reference("desk", "2.0.0")}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("stacks/Pulumi.dev-one.yaml", {"dev-one": (Touch("definition"),)}),
        ("stacks/Pulumi.dev-old.yaml", {"dev-old": (Touch("removed definition"),)}),
        ("stacks/environments/prod.yaml", {"prod-one": (Touch("environment", "prod"),)}),
        ("service_defs/shop/app/shop.py", {"dev-two": (Touch("version", "shop-1.1.0"),)}),
        ("service_defs/the-desk/service.lock", {"dev-one": (Touch("source", "desk-2.0.0"),)}),
        ("service_defs/gone/service.yaml", {}),
        ("service_defs/README.md", {}),
        ("docs/stacks/Pulumi.dev-one.yaml", {}),
        ("stacks/environments/qa.yaml", {}),
    ],
)
def test_a_path_touches_domains(path: str, expected: dict[str, tuple[Touch, ...]]) -> None:
    assert touched([path], DOMAINS, SOURCES, BEFORE) == expected


def test_every_reason_once_and_domains_in_order() -> None:
    paths = ["stacks/environments/prod.yaml", "stacks/Pulumi.dev-two.yaml"]
    paths += ["service_defs/shop/a", "service_defs/shop/b"]
    assert list(touched(paths, DOMAINS, SOURCES, BEFORE).items()) == [
        ("dev-two", (Touch("definition"), Touch("version", "shop-1.1.0"))),
        ("prod-one", (Touch("environment", "prod"),)),
    ]
