"""What others have on an existing host that a first version cannot be beside, told before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soop_components.runner import package_needs
from soop_components.runner.failure import Failure
from tests.unit.runner.node import Node, document, file

WEB: dict[str, Any] = {"files": {"/etc/app": file("x")}}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """An existing host."""
    made = Node(tmp_path)
    (tmp_path / "var/lib/soop").mkdir(parents=True)
    (tmp_path / "var/lib/soop/claim.json").write_text("{}")
    return made


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package on it that is newer than the version's."""

    def refuse(*_: Any) -> None:
        raise Failure("packages", "the node has newer packages than the plan")

    monkeypatch.setattr(package_needs, "refuse_older", refuse)


@pytest.mark.usefixtures("newer")
def test_newer_packages_are_told_before_the_first_version_comes(node: Node) -> None:
    with pytest.raises(Failure, match="newer packages"):
        node.inspected(document(api=WEB))


@pytest.mark.usefixtures("newer")
def test_a_machine_that_was_made_for_soop_has_no_packages_of_others(node: Node) -> None:
    node.path("/var/lib/soop/claim.json").unlink()
    assert node.inspected(document(api=WEB)).changes


def test_files_of_others_that_the_first_version_replaces_are_told_before_it_comes(node: Node) -> None:
    made = document(api={"files": {"/etc/app": file("x"), "/etc/other": file("y")}})
    node.path("/etc/app").parent.mkdir(parents=True, exist_ok=True)
    node.path("/etc/app").write_text("theirs")
    assert node.inspected(made).replaces == ("/etc/app",)
    node.accept(made)
    assert node.inspected(document("3.2.4", api={"files": {"/etc/app": file("z")}})).replaces == ()
