"""What others have on an existing host that a first version cannot be beside, told before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soop_components.runner import dpkg, package_needs
from soop_components.runner.failure import Failure
from soop_components.runner.relations import Control
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


def test_packages_of_the_base_image_that_a_host_lacks_are_told_before_anything_is_changed(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [Control("python3", "3.11", {}), Control("mawk", "1.3", {"Provides": "awk"})]
    monkeypatch.setattr(dpkg, "there", lambda _: there)
    assert node.inspected(document(api=WEB, base_packages=["awk", "python3"])).changes
    wanted = document(api=WEB, base_packages=["curl", "python3", "rsync"])
    said = "the service needs curl, rsync, which the base image has; install there what the host lacks"
    with pytest.raises(Failure, match=said):
        node.inspected(wanted)
    node.accept(document(api=WEB))
    assert said in node.apply(wanted)["message"], "a later version is refused as well"
    node.path("/var/lib/soop/claim.json").unlink()
    assert node.inspected(wanted).changes, "the base image itself has them"


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
