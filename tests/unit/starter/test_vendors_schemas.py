"""What GitHub and GitLab run for us, against the schemas of both that the package check-jsonschema carries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from soop_components.starter import begin

REPOSITORY = Path(__file__).parents[3]
GITHUB, GITLAB = ("vendor.github-workflows",), ("vendor.gitlab-ci", "--data-transform", "gitlab-ci")


def checked(path: Path, *schema: str) -> subprocess.CompletedProcess[str]:
    """Validate a file; nothing is fetched."""
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("ci", "name", "schema", "wrong"),
    [
        ("github", ".github/workflows/plan.yaml", GITHUB, ("    steps:\n", "    stepps:\n")),
        ("gitlab", ".gitlab-ci.yml", GITLAB, ("    when: always\n", "    when: sometimes\n")),
    ],
)
def test_what_init_writes(tmp_path: Path, ci: str, name: str, schema: tuple[str, ...], wrong: tuple[str, str]) -> None:
    begin(tmp_path, ci)
    written = tmp_path / name
    found = checked(written, *schema)
    assert found.returncode == 0, found.stdout + found.stderr
    text = written.read_text()
    assert wrong[0] in text
    written.write_text(text.replace(*wrong))
    assert "Schema validation errors were encountered" in checked(written, *schema).stdout


def test_the_workflows_of_this_repository() -> None:
    for workflow in sorted((REPOSITORY / ".github/workflows").iterdir()):
        found = checked(workflow, *GITHUB)
        assert found.returncode == 0, found.stdout + found.stderr
