"""Where systemd looks, see systemd.unit(5)."""

from __future__ import annotations

import pytest

from soop_components.runner.unit_files import patterns, places


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("a.service", {"a.service", "a.service.d", "service.d"}),
        ("a-b-c.timer", {"a-b-c.timer", "a-b-c.timer.d", "a-b-.timer.d", "a-.timer.d", "timer.d"}),
        (
            "a-b@1-2.service",
            {"a-b@1-2.service", "a-b@1-2.service.d", "a-b@.service", "a-b@.service.d", "a-@.service.d", "service.d"},
        ),
        ("a@.service", {"a@.service", "a@.service.d", "service.d"}),
    ],
)
def test_the_places_of_a_unit(unit: str, expected: set[str]) -> None:
    found = places(unit)
    for folder in ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/run/systemd/generator"):
        assert {path.removeprefix(f"{folder}/") for path in found if path.startswith(f"{folder}/")} == expected


def test_the_units_that_files_are_about() -> None:
    folder = "/etc/systemd/system"
    about = {"a.service": "a.service", "b@.service.d/x.conf": "b@*.service", "b@1.timer.d/x.conf": "b@1.timer"}
    others = ["service.d/x.conf", "a-.service.d/x.conf"]
    assert patterns([*(f"{folder}/{name}" for name in [*about, *others]), "/etc/a.service"]) == set(about.values())
