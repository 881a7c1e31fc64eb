"""The images of virtual machines: built once, pinned by their digest, made anew only when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.project import Project
from soop_components.setup import base_image, step, virtual_image


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been done; writing an image writes it."""
    done: list[str] = []

    def run(title: str, argv: step.Argv, log: Path) -> None:
        done.append(title)
        if title.startswith("writing"):
            Path(argv[-2]).write_text("disk")

    def build(project: Project, name: str, release: str) -> None:
        project.images.mkdir(parents=True, exist_ok=True)
        done.append(f"building {name} of {release}")

    monkeypatch.setattr(step, "run", run)
    monkeypatch.setattr(base_image, "build", build)
    monkeypatch.setattr(virtual_image, "as_root", list)
    return done


def test_an_image_stays_until_somebody_asks_for_another(steps: list[str], tmp_path: Path) -> None:
    project = Project(tmp_path)
    image = virtual_image.ensure(project, "debian-12", "bookworm")
    assert image == project.images / "debian-12-vm.qcow2"
    first = list(steps)
    assert first[:2] == ["building debian-12-vm of bookworm", "writing debian-12-vm.qcow2"]
    assert virtual_image.ensure(project, "debian-12", "bookworm") == image
    assert steps == first
    virtual_image.ensure(project, "debian-12", "bookworm", refresh=True)
    assert steps == first * 2


def test_it_says_what_an_environment_s_file_says_of_an_image(tmp_path: Path) -> None:
    image = tmp_path / "images/debian-12-vm.qcow2"
    image.parent.mkdir()
    image.write_text("disk")
    digest = "1c27d64fa766254a9a54ba2733e32cb4cb0df54fe27c8dff0f51f3d12b5dfc34"
    said = virtual_image.setting(Project(tmp_path), "debian-12", image).splitlines()
    assert [line.strip() for line in said[:2]] == ["debian-12:", "file: images/debian-12-vm.qcow2"]
    assert len(said[2].split()[1]) == len(digest)
