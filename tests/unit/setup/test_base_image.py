"""Which base images a project needs, and which earlier ones nobody needs any more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soop_components.project import Project
from soop_components.setup.base_image import needed, unused

KNOWN = ("debian-12", "debian-13")
DEFINITIONS = [
    ([], ["debian-12"]),
    (["service: a-service\n"], ["debian-12"]),
    (["base: debian-13\n"], ["debian-13"]),
    (['format: 1\nbase: "debian-13"  # newer\n', "# base: debian-13\nbase: debian-12"], ["debian-12", "debian-13"]),
    (["base: debian-99\n"], []),
]


@pytest.mark.parametrize(("texts", "expected"), DEFINITIONS)
def test_what_is_needed_is_what_service_definitions_name(tmp_path: Path, texts: list[str], expected: list[str]) -> None:
    for number, text in enumerate(texts):
        folder = tmp_path / f"service_defs/{number}"
        folder.mkdir(parents=True)
        (folder / "service.yaml").write_text(text)
    assert needed(Project(tmp_path), KNOWN) == expected


def test_an_earlier_image_goes_when_no_machine_was_made_from_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for name in ("debian-12", "debian-12.aaaaaaaaaaaa", "debian-12.bbbbbbbbbbbb", "debian-12.building"):
        (project.images / name).mkdir(parents=True)
    machine = project.machines / "12345678/dev-a/web-1.a-service.dev-a"
    machine.mkdir(parents=True)
    (machine / "machine.json").write_text(json.dumps({"image_digest": f"sha256:{'b' * 64}"}))
    assert [path.name for path in unused(project, "debian-12")] == ["debian-12.aaaaaaaaaaaa"]


@pytest.mark.parametrize("record", [None, "", "{}", "[]"])
def test_all_earlier_images_stay_while_a_machine_does_not_say_its_own(tmp_path: Path, record: str | None) -> None:
    project = Project(tmp_path)
    (project.images / "debian-12.aaaaaaaaaaaa").mkdir(parents=True)
    machine = project.machines / "12345678/dev-a/web-1.a-service.dev-a"
    machine.mkdir(parents=True)
    if record is not None:
        (machine / "machine.json").write_text(record)
    assert list(unused(project, "debian-12")) == []
