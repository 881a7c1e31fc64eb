"""What `soop init` writes; that it works is in tests/scenarios/init."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from soop_components import starter
from soop_components.deployment.environment_file import load_environment
from soop_components.errors import InvalidInput
from soop_components.project import Project
from soop_components.reading.loader import load_domain, load_service
from soop_components.starter import Template, begin, project_name, requirement, templates
from tests.domains import check_domain


@pytest.mark.parametrize("name", templates())
def test_the_definitions_are_good_and_fit_each_other(name: str, tmp_path: Path) -> None:
    template = Template(name)
    written = begin(tmp_path, template=name)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == written
    project = Project.find(tmp_path)
    service = load_service(project.service_defs / template.service, template.service)
    domain = load_domain(project.domain_file(template.domain), template.domain, template.domain)
    environment = load_environment(project.environments / "dev.yaml", "dev")
    check_domain(domain, {template.service: service}, template.domain, environment)
    assert template.commands[-1] == f"soop deploy {domain.services[0].reference} {template.domain}"
    readme = (tmp_path / "README.md").read_text()
    assert all(command in readme for command in template.commands)


def test_a_wordpress_is_less_than_sixty_lines(tmp_path: Path) -> None:
    begin(tmp_path, template="wordpress")
    assert len((tmp_path / "service_defs/wordpress-service/service.yaml").read_text().splitlines()) < 60


def test_the_project_is_called_after_its_folder_and_pins_soop(tmp_path: Path) -> None:
    begin(tmp_path / "our services")
    assert (tmp_path / "our services/Pulumi.yaml").read_text().startswith("name: our-services\n")
    assert requirement() in (tmp_path / "our services/requirements.txt").read_text().splitlines()
    assert "@@" not in "".join(path.read_text() for path in (tmp_path / "our services").rglob("*.*") if path.is_file())


def test_programs_can_be_run(tmp_path: Path) -> None:
    begin(tmp_path)
    assert os.access(tmp_path / ".ci/run", os.X_OK)
    assert os.access(tmp_path / "service_defs/hello-service/smoke/greets.py", os.X_OK)
    assert not os.access(tmp_path / "__main__.py", os.X_OK)


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("mine")
    (tmp_path / "docs/schemas").mkdir(parents=True)
    (tmp_path / "docs/schemas/block.json").write_text("mine")
    with pytest.raises(InvalidInput) as caught:
        begin(tmp_path)
    assert caught.value.problems == ("Pulumi.yaml: is there already", "docs/schemas/block.json: is there already")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Pulumi.yaml", "docs"]


@pytest.mark.parametrize(
    ("origin", "pinned"),
    [
        (None, "soop-components==1.2.3"),
        ({"url": "file:///somewhere", "dir_info": {}}, "soop-components==1.2.3"),
        (
            {"url": "https://host.example/soop", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "soop-components @ git+https://host.example/soop@abc",
        ),
    ],
)
def test_the_pin_says_where_soop_came_from(origin: Any, pinned: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Installed:
        version = "1.2.3"

        def read_text(self, name: str) -> str | None:
            return json.dumps(origin) if origin else None

    monkeypatch.setattr(starter.metadata, "distribution", lambda name: Installed())
    assert requirement() == pinned


@pytest.mark.parametrize(("folder", "name"), [("a b/c ü", "c"), ("x", "x"), ("ü", "services")])
def test_names_of_projects_are_such_that_pulumi_takes_them(folder: str, name: str, tmp_path: Path) -> None:
    assert project_name(tmp_path / folder) == name


def test_continuous_integration_without_a_domain_only_builds(tmp_path: Path) -> None:
    begin(tmp_path)
    (tmp_path / "stacks/Pulumi.dev-hello.yaml").unlink()
    soop = tmp_path / ".venv/bin/soop"
    soop.parent.mkdir(parents=True)
    soop.write_text("#!/bin/sh\necho soop $*\n")
    soop.chmod(0o755)
    (tmp_path / ".soop").mkdir(exist_ok=True)
    (tmp_path / ".soop/env").write_text(f"PATH={soop.parent}:$PATH\n")
    done = subprocess.run([tmp_path / ".ci/run"], capture_output=True, text=True, check=True)
    assert done.stdout == "soop setup\nsoop build service_defs/hello-service/\n"
