"""A file of ours in the place of a package's: what dpkg does with its own meanwhile, whatever it calls the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soop_components.runner.commands import Task
from tests.scenarios.runner.packages import Deb, deb, plans
from tests.unit.runner.node import Node, document, file
from tests.unit.runner.real_dpkg import Dpkg

MERGED, OTHER = "/usr/bin/gadget", "/bin/gadget"
REPLACES = {"Replaces": "gadget (<< 2)", "Breaks": "gadget (<< 2)"}


@pytest.fixture
def merged(node: Node, tmp_path: Path) -> Node:
    """A node on which /bin is /usr/bin; a package that stays keeps dpkg from removing them."""
    node.path("/usr/bin").mkdir(parents=True)
    node.path("/bin").symlink_to("usr/bin")
    node.systemd = Dpkg(node.root)
    deb(tmp_path, "base", "1.0", {"/bin/base": b"", "/usr/bin/base-files": b""})
    assert node.systemd.run(Task(["dpkg", "--install", str(tmp_path / "base_1.0.deb")])).exit_code == 0
    return node


def moved(folder: Path, before: str, after: str, is_another: bool) -> tuple[list[Deb], list[Deb]]:
    """Return the packages of two versions, of which the second has the file elsewhere, or in another package."""
    old = [deb(folder, "gadget", "1.0", {before: b"one"}), deb(folder, "part", "1.0")]
    if is_another:
        return old, [deb(folder, "gadget", "2.0"), deb(folder, "part", "2.0", {after: b"two"}, **REPLACES)]
    return old, [deb(folder, "gadget", "2.0", {after: b"two"}), deb(folder, "part", "2.0")]


@pytest.mark.parametrize(
    ("ours", "before", "after", "is_another"),
    [
        (OTHER, MERGED, OTHER, False),
        (MERGED, OTHER, MERGED, False),
        (MERGED, MERGED, MERGED, True),
        (OTHER, MERGED, OTHER, True),
    ],
)
def test_a_file_that_moves_to_the_other_name_of_its_place_or_to_another_package(
    merged: Node, tmp_path: Path, ours: str, before: str, after: str, is_another: bool
) -> None:
    old, new = moved(tmp_path, before, after, is_another)
    merged.receive(*(each.content for each in (*old, *new)))
    other = OTHER if ours == MERGED else MERGED
    steps: list[tuple[list[Deb], str | None, str]] = [
        (old, ours, "ours"),
        (new, ours, "ours"),
        (new, None, "two"),
        (new, ours, "ours"),
        (new, other, "ours"),
        (old, ours, "ours"),
        (old, None, "one"),
        (old, ours, "ours"),
        (new, None, "two"),
    ]
    keep: dict[str, Any] = {"blobs": [each.plan["digest"] for each in (*old, *new)]}
    for number, (debs, path, expected) in enumerate(steps):
        web = {"files": {path: file("ours")} if path else {}}
        merged.accept(document(f"1.0.{number}", packages=plans(*debs), web=web), **keep)
        assert merged.text(MERGED) == expected, number
        assert merged.drift() == []
    assert merged.text("/var/lib/dpkg/diversions") == ""
