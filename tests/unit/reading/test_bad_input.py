"""Each file in ``bad/`` begins with the lines that it must be refused with: ``# key.path: what was expected``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from soop_components.deployment.environment_file import load_environment
from soop_components.errors import InvalidInput
from soop_components.model.environment import Environment
from soop_components.reading.loader import load_domain, load_service
from soop_components.reading.yaml_file import read_yaml
from tests.domains import check_domain

HERE = Path(__file__).parent
BAD = HERE / "bad"
GOOD = HERE / "good"


def cases(kind: str) -> list[Path]:
    found = sorted((BAD / kind).glob("*.yaml"))
    assert found
    return found


def expected(path: Path, label: str) -> list[str]:
    lines = path.read_text().splitlines()
    return [f"{label}: {line[2:]}" for line in lines if line.startswith("# ")]


def names(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", cases("service"), ids=names)
def test_bad_service_definitions(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / "service.yaml")
    (tmp_path / "smoke.sh").touch()
    with pytest.raises(InvalidInput) as caught:
        load_service(tmp_path, "service_defs/access-service")
    assert list(caught.value.problems) == expected(path, "service_defs/access-service/service.yaml")


def load_and_check(file: Path, label: str) -> None:
    domain = load_domain(file, "dev-access", label)
    definition = load_service(GOOD, "good")
    check_domain(domain, {"access-service": definition}, label, Environment(name="dev"))


@pytest.mark.parametrize("path", cases("domain"), ids=names)
def test_bad_domain_definitions(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev-access.yaml"
    shutil.copy(path, file)
    with pytest.raises(InvalidInput) as caught:
        load_and_check(file, "stacks/Pulumi.dev-access.yaml")
    assert list(caught.value.problems) == expected(path, "stacks/Pulumi.dev-access.yaml")


@pytest.mark.parametrize("path", cases("environment"), ids=names)
def test_bad_environments(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / "prod.yaml")
    with pytest.raises(InvalidInput) as caught:
        load_environment(tmp_path / "prod.yaml", "stacks/environments/prod.yaml")
    assert list(caught.value.problems) == expected(path, "stacks/environments/prod.yaml")


@pytest.mark.parametrize("path", cases("yaml"), ids=names)
def test_yaml_that_means_more_than_it_shows(path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(path, "service.yaml")
    assert list(caught.value.problems) == expected(path, "service.yaml")
