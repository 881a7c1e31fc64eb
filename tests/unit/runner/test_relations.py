"""Which packages cannot be together, by what both say, with and without versions."""

from __future__ import annotations

import subprocess

import pytest

from soop_components.runner.relations import Control, reason, unmet


def package(text: str) -> Control:
    """``nullmailer 2.2 | Conflicts: x, y | Provides: z``."""
    head, *fields = text.split(" | ")
    name, version = head.split()
    return Control(name, version, dict(field.split(": ", 1) for field in fields))


def compare(version: str, operator: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", version, operator, other], check=False).returncode == 0


@pytest.mark.parametrize(
    ("new", "there", "expected"),
    [
        ("a 1", "b 1", None),
        ("a 1 | Conflicts: b", "b 1", "a 1 conflicts with b 1"),
        ("a 1", "b 1 | Conflicts: a", "b 1 conflicts with a 1"),
        ("a 1 | Breaks: b (<< 2)", "b 1.9", "a 1 breaks b 1.9"),
        ("a 1 | Breaks: b (<< 2)", "b 2", None),
        ("a 1 | Breaks: b (<< 2~)", "b 2", None),
        ("a 1", "b 1 | Breaks: a (>= 1)", "b 1 breaks a 1"),
        ("a 0.9", "b 1 | Breaks: a (>= 1)", None),
        ("a 1 | Conflicts: mta", "b 1 | Provides: mta", "a 1 conflicts with b 1"),
        ("a 1 | Conflicts: mta | Provides: mta", "b 1 | Provides: mail-reader, mta", "a 1 conflicts with b 1"),
        ("a 1 | Provides: mta", "b 1 | Conflicts: mta | Provides: mta", "b 1 conflicts with a 1"),
        ("a 1 | Conflicts: api (<< 3)", "b 1 | Provides: api", None),
        ("a 1 | Conflicts: api (<< 3)", "b 1 | Provides: api (= 2)", "a 1 conflicts with b 1"),
        ("a 1 | Conflicts: api (<< 3)", "b 1 | Provides: api (= 3)", None),
        ("a 1 | Conflicts: b:any (= 1), c", "b 1", "a 1 conflicts with b 1"),
        ("a 1 | Conflicts: bb", "b 1", None),
    ],
)
def test_what_excludes_what(new: str, there: str, expected: str | None) -> None:
    assert reason(package(new), package(there), compare) == expected


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("a 1", []),
        ("a 1 | Depends: b, c (>= 2)", []),
        ("a 1 | Depends: b (>= 2), c", ["b (>= 2)"]),
        ("a 1 | Depends: x|b (= 1)", []),
        ("a 1 | Depends: x|y", ["x|y"]),
        ("a 1 | Pre-Depends: x | Depends: mta, y:any", ["x", "y:any"]),
        ("a 1 | Depends: mta (>= 1)", ["mta (>= 1)"]),
        ("a 1 | Depends: api (>= 3), a (= 1)", []),
    ],
)
def test_what_is_needed_and_not_there(new: str, expected: list[str]) -> None:
    packages = [package(each) for each in (new, "b 1", "c 2.1", "d 1 | Provides: mta, api (= 3)")]
    assert list(unmet(packages[0], packages, compare)) == expected
