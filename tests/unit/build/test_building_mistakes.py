"""Mistakes in a service definition, found by its build: each names file and line or key."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from soop_components.artifact import oci
from soop_components.artifact.store import Store
from soop_components.build.service_source import read_source
from soop_components.errors import InvalidInput, SoopError
from soop_components.project import Project
from tests.package_source import PackageSource
from tests.unit.build.greeting import LABEL, built, change, edit


def test_a_template_that_cannot_be_rendered(locked: Project) -> None:
    edit(locked, "blocks/greeting/greeting.j2", "hello\n{{ config.tokn }}\n")
    with pytest.raises(InvalidInput) as caught:
        built(locked)
    (problem,) = caught.value.problems
    place = r"service.yaml: line \d+: components.page \(block greeting/greeting.j2\): line 2: "
    assert re.fullmatch(rf"{LABEL}/{place}'tokn' is not defined\n  did you mean token\?", problem)
    assert Store.of(locked).list() == []


def test_a_mistake_is_reported_before_packages_are_fetched(locked: Project, packages: PackageSource) -> None:
    packages.vanish()
    change(locked, "service.yaml", "Hello from {{ config.port }}", "{{ node.number == 1 }}")
    with pytest.raises(InvalidInput, match="looks inside a secret or a node's name"):
        built(locked)


def test_a_template_in_the_definition_that_cannot_be_rendered_is_reported_by_its_line(locked: Project) -> None:
    path = locked.service_defs / "greeting-service" / "service.yaml"
    change(locked, "service.yaml", "extra.txt: /etc/extra", "extra.txt: '/etc/{{ config.tokn }}'")
    (line,) = [number for number, text in enumerate(path.read_text().splitlines(), 1) if "config.tokn" in text]
    with pytest.raises(InvalidInput) as caught:
        built(locked)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{LABEL}/service.yaml: line {line}: components.page.with.files")
    assert problem.endswith(": 'tokn' is not defined\n  did you mean token?")


def test_an_artifact_that_would_be_too_large(locked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "MAXIMUM_ARTIFACT", 4096)
    with pytest.raises(SoopError, match=rf"^{LABEL}: expected at most 0 GiB in all blobs together, not \d+ bytes\n"):
        built(locked)
    assert Store.of(locked).list() == []


def test_mistakes_of_all_components_at_once(project: Project) -> None:
    change(project, "service.yaml", "extra.txt: /etc/extra", "gone.txt: /etc/x, ../up: /x, '{{ a }}': /y")
    change(project, "service.yaml", "uses: ticking", "uses: tickin")
    with pytest.raises(InvalidInput) as caught:
        read_source(project, LABEL)
    place = f"{LABEL}/service.yaml: components.page.with: "
    assert caught.value.problems == (
        f"{LABEL}/service.yaml: components.clock.uses: no block tickin; did you mean ticking?",
        f"{place}files: '../up' must not contain '.', '..' or empty parts",
        f"{place}files: '{{{{ a }}}}' is a template; what is packed cannot depend on a domain",
        f"{place}gone.txt: no such file",
    )


def test_mistakes_in_what_components_refer_to_beside_those_in_the_file(project: Project) -> None:
    change(project, "service.yaml", "extra.txt: /etc/extra", "gone.txt: /etc/x")
    change(project, "service.yaml", "uses: ticking", "uses: tickin")
    change(project, "service.yaml", "summary:", "sumary: x\nsummary:")
    with pytest.raises(InvalidInput) as caught:
        read_source(project, LABEL)
    assert caught.value.problems == (
        f"{LABEL}/service.yaml: sumary: unknown key; did you mean summary?",
        f"{LABEL}/service.yaml: components.clock.uses: no block tickin; did you mean ticking?",
        f"{LABEL}/service.yaml: components.page.with: gone.txt: no such file",
    )


def test_a_definition_that_is_not_there(project: Project) -> None:
    with pytest.raises(SoopError, match=r"^greting: there is no service.yaml in this folder") as caught:
        read_source(project, "greting")
    assert caught.value.hint == f"there is {LABEL}"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
@pytest.mark.timeout(60)
def test_files_that_are_none(locked: Project, make: Callable[[Path], None]) -> None:
    folder = locked.service_defs / "greeting-service"
    for name in ("service.lock", "service.yaml"):
        (folder / name).unlink()
        make(folder / name)
        with pytest.raises(
            InvalidInput, match=rf"^{LABEL}/{name}: cannot be read: [Ii]s (not a regular file|a directory)"
        ):
            built(locked)


@pytest.mark.parametrize("name", ["greeting-service", LABEL, f"{LABEL}/", f"./{LABEL}"])
def test_ways_to_name_a_definition(project: Project, name: str) -> None:
    assert read_source(project, name).label == LABEL
