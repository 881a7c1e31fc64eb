"""Previews by the real engine and provider, before any machine exists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.workspace import Workspace, workspace

DOMAIN = "dev-one-access"


@pytest.fixture(scope="module")
def project() -> Iterator[Workspace]:
    """A project with its artifact built and a stack that has nothing yet."""
    with workspace("preview") as made:
        made.must("soop", "build", "service_defs/access-service")
        made.must("pulumi", "stack", "select", "--create", DOMAIN)
        yield made


@pytest.fixture
def definition(project: Workspace) -> Iterator[Path]:
    """The domain definition, restored after the test."""
    path = project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    before = path.read_text()
    yield path
    path.write_text(before)


def test_the_first_preview_is_complete_and_makes_nothing(project: Workspace) -> None:
    shown = project.must("pulumi", "preview", "--diff", "--stack", DOMAIN)
    for package in ("nginx-light", "gunicorn", "postgresql-15"):
        assert package in shown
    for file in ("/opt/access-service/access.py", "/etc/access-service/api.env"):
        assert file in shown
    for unit in ("access-service-api.service", "nginx.service", "postgresql@15-main.service"):
        assert unit in shown
    assert "PRIVATE KEY" not in shown
    assert list(project.project.machines.glob("*/*/*")) == []
    assert "services" not in project.outputs(DOMAIN)


def test_a_bare_pulumi_needs_no_variables_but_the_passphrase(project: Workspace) -> None:
    wanted = {"PATH", "HOME", "LANG", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_HOME", "PULUMI_SKIP_UPDATE_CHECK"}
    bare = Workspace(project.root)
    for name in [name for name in bare.environment if name not in wanted]:
        del bare.environment[name]
    shown = bare.must("pulumi", "preview", "--stack", DOMAIN)
    assert f"web-1.access-service.{DOMAIN}" in shown


SERVICE = f"stacks/Pulumi.{DOMAIN}.yaml: soop:services[0]"
MISTAKES = {
    "what is not there": (
        {"access-service-3.2.3": "acces-service-9.9.9", "soop:environment: dev": "soop:environment: live"},
        [f"{SERVICE}.service: acces-service-9.9.9 is not in", "soop:environment: no environment 'live'"],
    ),
    "a version that is not there": (
        {"access-service-3.2.3": "access-service-9.9.9"},
        [f"{SERVICE}.service: access-service-9.9.9 is not in", "access-service is there as 3.2.3"],
    ),
    "names and values that do not fit": (
        {"{web: 1": "{webs: 1", "{workers: 1}": "{workers: many, worker: 1}"},
        [f"{SERVICE}.nodes.webs: ", f"{SERVICE}.config.worker: ", f"{SERVICE}.config.workers: ", "many"],
    ),
    "an unknown key, and no reference": (
        {"nodes: {": "node: {", "access-service-3.2.3": "access-service"},
        [f"{SERVICE}.node: unknown key; did you mean nodes?", f"{SERVICE}.service: ", "<service>-<version>"],
    ),
    "a tag": ({"{workers: 1}": "{workers: !!int 1}"}, ["line ", "tag ", "is not allowed"]),
    "an alias": ({"{workers: 1}": "&many {workers: 1}"}, ["line ", "anchor &many is not allowed"]),
    "a secret in plain text": (
        {"  soop:services:": "  soop:secrets: {access-service: {database_password: hunter2hunter2}}\n  soop:services:"},
        ["soop:secrets.access-service.database_password", "is not encrypted", "pulumi config set --secret"],
    ),
}


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_mistakes_are_one_message_that_names_file_and_keys(project: Workspace, definition: Path, mistake: str) -> None:
    changes, words = MISTAKES[mistake]
    text = definition.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    definition.write_text(text)
    output = project.fails("pulumi", "preview", "--stack", DOMAIN)
    assert f"stacks/Pulumi.{DOMAIN}.yaml: " in output
    for word in words:
        assert word in output
    assert output.partition("Diagnostics:")[2].count("error:") == 1, output


def test_a_flipped_bit_in_the_store_is_found_before_anything_is_made(project: Workspace) -> None:
    blobs = sorted((project.project.store / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    smallest = blobs[0]
    content = smallest.read_bytes()
    smallest.chmod(0o644)
    smallest.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    try:
        for words in (
            ["soop", "verify"],
            ["pulumi", "preview", "--stack", DOMAIN],
            ["soop", "deploy", "--yes", "access-service-3.2.3", "dev-other"],
        ):
            output = project.fails(*words)
            assert f"blob sha256:{smallest.name} is damaged" in output, words
            assert "build it again with soop build" in output, words
        assert not (project.project.stacks / "Pulumi.dev-other.yaml").exists()
    finally:
        smallest.write_bytes(content)
    project.must("soop", "verify")
