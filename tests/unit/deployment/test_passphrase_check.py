"""A passphrase that everybody knows is refused where an environment does not admit it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from soop_components.deployment.passphrase_check import check_passphrase
from soop_components.errors import SoopError
from soop_components.model.environment import Environment, Security
from soop_components.project import KNOWN_TO_ALL, Project

ENVIRONMENT = Environment(name="prod")
DOMAIN = "prod-access"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose domain uses a passphrase, the known one."""
    made = Project(tmp_path)
    made.stacks.mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    made.domain_file(DOMAIN).write_text("config: {}\nencryptionsalt: v1:abc=:v1:def:ghi=\n")
    made.make_home()
    made.passphrase.write_text(f"{KNOWN_TO_ALL}\n")
    return made


@pytest.mark.parametrize("given", ["default", "file", "text"])
def test_the_known_passphrase_is_refused(project: Project, given: str) -> None:
    environ = {
        "default": {},
        "file": {"PULUMI_CONFIG_PASSPHRASE_FILE": str(project.passphrase)},
        "text": {"PULUMI_CONFIG_PASSPHRASE": KNOWN_TO_ALL},
    }
    with pytest.raises(SoopError) as caught:
        check_passphrase(project, DOMAIN, ENVIRONMENT, environ[given])
    said = str(caught.value)
    assert said.startswith("stacks/environments/prod.yaml: security.shared_passphrase: secrets of prod-access are")
    assert "`pulumi stack change-secrets-provider passphrase --stack prod-access`" in said
    assert KNOWN_TO_ALL not in said


@pytest.mark.parametrize("environ", [{"PULUMI_CONFIG_PASSPHRASE": ""}, {}])
def test_an_empty_passphrase_is_refused(project: Project, environ: dict[str, str]) -> None:
    """An empty one in the environment is used, whatever the file says."""
    project.passphrase.write_text("our own\n" if environ else "\n")
    with pytest.raises(SoopError, match="secrets of prod-access are sealed with an empty passphrase"):
        check_passphrase(project, DOMAIN, ENVIRONMENT, environ)


def test_another_passphrase_is_fine(project: Project, tmp_path: Path) -> None:
    check_passphrase(project, DOMAIN, ENVIRONMENT, {"PULUMI_CONFIG_PASSPHRASE": "our own"})
    (tmp_path / "elsewhere").write_text("our own\n")
    check_passphrase(project, DOMAIN, ENVIRONMENT, {"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "elsewhere")})
    project.passphrase.write_text("our own\n")
    check_passphrase(project, DOMAIN, ENVIRONMENT, {})
    project.passphrase.unlink()  # Pulumi says so
    check_passphrase(project, DOMAIN, ENVIRONMENT, {})


def test_an_environment_may_admit_it(project: Project) -> None:
    check_passphrase(project, DOMAIN, Environment(name="prod", security=Security(shared_passphrase=True)), {})


@pytest.mark.parametrize("text", [None, "config: {}\n", "secretsprovider: awskms://alias/prod\n", "- no mapping\n"])
def test_a_stack_that_uses_no_passphrase(project: Project, text: str | None) -> None:
    file = project.domain_file(DOMAIN)
    file.unlink()
    if text is not None:
        file.write_text(text)
    check_passphrase(project, DOMAIN, ENVIRONMENT, {})


@pytest.mark.parametrize(
    ("url", "text", "refused"),
    [
        ("file:///state", None, True),
        ("s3://state", "config: {}\n", True),
        ("s3://state", "secretsprovider: awskms://alias/prod\n", False),
        ("https://api.pulumi.com", None, False),
        (None, None, False),
    ],
)
def test_a_stack_that_pulumi_is_about_to_make(
    project: Project, url: str | None, text: str | None, refused: bool
) -> None:
    project.domain_file(DOMAIN).unlink()
    if text is not None:
        project.domain_file(DOMAIN).write_text(text)
    environ = {"PULUMI_BACKEND_URL": url} if url else {}
    with pytest.raises(SoopError) if refused else nullcontext():
        check_passphrase(project, DOMAIN, ENVIRONMENT, environ, is_new=True)
