from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from soop_components.errors import InvalidInput, SoopError
from soop_components.project import Project

PULUMI_YAML = "name: soop\nruntime: python\nbackend: {url: 'file://./.soop/state'}\n"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULUMI_BACKEND_URL", "SOOP_STORE"):
        monkeypatch.delenv(name, raising=False)


def make(root: Path, text: str = PULUMI_YAML) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / "Pulumi.yaml").write_text(text)
    return Project(root)


def test_it_is_found_from_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path / "p")
    inside = tmp_path / "p" / "service_defs" / "x"
    inside.mkdir(parents=True)
    assert Project.find(inside) == made
    monkeypatch.chdir(inside)
    assert Project.find() == made
    with pytest.raises(SoopError, match=r"is not inside a project: no Pulumi\.yaml"):
        Project.find(tmp_path)


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path)
    assert project.environments == tmp_path / "stacks" / "environments"
    assert project.store == tmp_path / ".soop" / "store"
    monkeypatch.setenv("SOOP_STORE", "/srv/store")
    assert project.store == Path("/srv/store")
    monkeypatch.setenv("SOOP_STORE", "elsewhere")
    assert project.store == tmp_path / "elsewhere"


def test_the_home_is_for_its_owner_only(tmp_path: Path) -> None:
    home = make(tmp_path).make_home()
    assert home.stat().st_mode & 0o777 == 0o700
    assert Project(tmp_path).make_home() == home


def test_definitions_of_domains(tmp_path: Path) -> None:
    project = make(tmp_path)
    assert project.domain_ids() == ()
    project.environments.mkdir(parents=True)
    for id in ("dev-two", "dev-one"):
        project.domain_file(id).touch()
    assert project.domain_ids() == ("dev-one", "dev-two")
    assert project.name_of(project.domain_file("dev-one")) == "stacks/Pulumi.dev-one.yaml"


def test_one_process_holds_a_lock(tmp_path: Path) -> None:
    project = make(tmp_path)
    for _ in range(2):
        with project.lock("dev-one", SoopError("it is held")):
            with project.lock("dev-two", SoopError("it is held")):
                pass
            with pytest.raises(SoopError, match="it is held"), project.lock("dev-one", SoopError("it is held")):
                pass


def test_needs_nothing_installed_to_be_used_by_make(tmp_path: Path) -> None:
    program = "import sys; from soop_components.setup import base_image, system_packages; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"yaml", "pydantic", "pulumi"} & set(loaded)


def test_names_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path / "p")
    assert project.name_of(project.service_defs / "x") == "service_defs/x"
    assert project.name_of(Path("/elsewhere/x")) == "/elsewhere/x"
    monkeypatch.chdir(project.root)
    assert project.name_of(Path("service_defs/x")) == "service_defs/x"


def test_the_realm_belongs_to_state_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    assert re.fullmatch(r"[0-9a-f]{8}", one.realm)
    assert one.realm == Project(tmp_path / "one").realm != two.realm
    link = tmp_path / "link"
    link.symlink_to(one.root)
    assert Project(link).realm == one.realm
    monkeypatch.chdir(tmp_path)
    before = one.realm
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{one.root}/.soop/state")
    assert one.realm == before
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state?region=eu-west-1")
    assert one.backend == "s3://state?region=eu-west-1"
    assert one.realm not in (before, two.realm)


def test_where_the_state_is(tmp_path: Path) -> None:
    assert make(tmp_path).backend == f"file://{tmp_path}/.soop/state"
    assert make(tmp_path, "name: soop\nbackend: {url: 'file:///var/lib/state/'}\n").backend == "file:///var/lib/state"
    assert make(tmp_path, "name: soop\n").backend == f"file://{tmp_path}/.soop/state"
    with pytest.raises(InvalidInput, match=r"^Pulumi\.yaml: line 2, column 1: not YAML"):
        _ = make(tmp_path, "name: [").realm


def test_a_folder_with_blanks_is_one_folder_however_its_address_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(tmp_path / "my project")
    backend, realm = project.backend, project.realm
    assert backend == f"file://{tmp_path}/my%20project/.soop/state"
    for written in (backend, f"file://{project.root}/.soop/state", f"{backend}?no_tmp_dir=true"):
        monkeypatch.setenv("PULUMI_BACKEND_URL", written)
        assert (project.backend, project.realm) == (backend, realm)
    assert project.folder_of(backend) == project.state
    assert project.folder_of("s3://state") is None
