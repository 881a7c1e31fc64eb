"""Secrets that are made up are rotated with the real engine: what is not accepted leaves what was."""

from __future__ import annotations

import json
from typing import Any

from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.engine import Engine
from soop_components.machines.local.host_key import new_host_key
from soop_components.project import Project
from tests.engine.stand_in.project import SERVICE_LOCK, SERVICE_YAML, StandInProject

DOMAIN = "dev-two-vault"
PASSWORD = "vault-service.password"
CONFIG = "config: {password: {type: string, secret: true, generate: 16}}"


def make(project: StandInProject) -> None:
    for version, length in {"1.0.0": 16, "2.0.0": 24, "9.0.0": 24}.items():
        text = SERVICE_YAML.replace("SERVICE", "vault-service").replace(
            "{{ service.version }}", "{{ config.password }}"
        )
        project.write("service_defs/vault-service/service.yaml", text + CONFIG.replace("16", str(length)) + "\n")
        project.write("service_defs/vault-service/service.lock", SERVICE_LOCK)
        opened = Project(project.root)
        build(opened, read_source(opened, "vault-service"), lambda _: None, version)


def shown(project: StandInProject) -> str:
    done = project.soop("secret", "show", PASSWORD, DOMAIN)
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n")


def tried(project: StandInProject) -> list[Any]:
    """Return the password of the last rollout, and the one that it would have rolled back to."""
    secrets = json.loads(project.gate.with_name("gate.secrets").read_text())
    return [each and each["password"] for each in secrets]


def pulumi(project: StandInProject, *words: str, fails: bool = False) -> str:
    done = project.pulumi(*words, "--yes", "--skip-preview", f"--stack={DOMAIN}")
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_rotation_that_is_not_accepted_leaves_the_accepted_value(project: StandInProject) -> None:
    make(project)
    project.succeed("deploy", "vault-service-1.0.0", DOMAIN)
    first = shown(project)
    assert len(first) == 16
    assert tried(project) == [first, None]

    project.hold("refused")
    said = project.fail("rotate", DOMAIN, PASSWORD)
    assert "not rotated; the accepted values stay in use" in said
    refused, kept = tried(project)
    assert refused != first
    assert kept == first
    assert shown(project) == first
    project.release()
    assert "unchanged" in pulumi(project, "up")
    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    assert tried(project)[0] is None or shown(project) == first

    project.succeed("rotate", DOMAIN, PASSWORD)
    second = shown(project)
    assert second not in (first, refused)
    assert tried(project) == [second, first]
    assert "unchanged" in pulumi(project, "up")


def test_a_rotation_applies_no_edits_along(project: StandInProject) -> None:
    make(project)
    project.succeed("deploy", "vault-service-1.0.0", DOMAIN)
    file = f"stacks/Pulumi.{DOMAIN}.yaml"
    text, first = project.read(file), shown(project)
    state = Engine(Project(project.root), project.environment).resource_digests(DOMAIN)

    entry = "    - service: access-service-3.2.3\n"
    edited = text.replace("vault-service-1.0.0", "vault-service-9.0.0")
    project.write(file, edited.replace("  soop:services:\n", f"  soop:services:\n{entry}"))
    said = project.fail("rotate", DOMAIN)
    assert f"{file} or its environment is not what runs, or machines are gone or differ" in said
    assert "  access-service 3.2.3 is new" in said
    assert "  vault-service 1.0.0 -> 9.0.0, upgrade" in said
    assert f"pulumi up --stack {DOMAIN}; or undo the edits" in said
    project.write(file, text)
    environment = "stacks/environments/dev.yaml"
    project.write(environment, project.read(environment) + "sizes: {small: {memory: 400MiB}}\n")
    assert f"  web-1.vault-service.{DOMAIN}: machine changed (spec.memory)" in project.fail("rotate", DOMAIN, PASSWORD)
    assert Engine(Project(project.root), project.environment).resource_digests(DOMAIN) == state
    assert shown(project) == first

    pulumi(project, "up")
    project.succeed("rotate", DOMAIN, PASSWORD)
    assert shown(project) != first


def test_a_version_with_another_length_that_is_not_accepted_leaves_the_value(project: StandInProject) -> None:
    make(project)
    project.succeed("deploy", "vault-service-1.0.0", DOMAIN)
    first = shown(project)
    project.fail("deploy", "vault-service-9.0.0", DOMAIN)
    assert len(tried(project)[0]) == 24
    assert "unchanged" in pulumi(project, "up")
    assert shown(project) == first
    project.succeed("deploy", "vault-service-2.0.0", DOMAIN)
    assert len(shown(project)) == 24
    urn = Engine(Project(project.root), project.environment).state(DOMAIN).generated_secrets[PASSWORD]
    project.hold("refused")
    second = shown(project)
    pulumi(project, "up", f"--replace={urn}", fails=True)
    project.release()
    pulumi(project, "up")
    assert shown(project) == second


def test_a_value_of_ones_own(project: StandInProject) -> None:
    make(project)
    project.succeed("deploy", "vault-service-1.0.0", DOMAIN)
    first, text = shown(project), project.read(f"stacks/Pulumi.{DOMAIN}.yaml")
    assert "no value was given" in project.fail("secret", "set", PASSWORD, DOMAIN)
    assert "did you mean vault-service.password?" in project.fail("rotate", DOMAIN, "vault-service.pasword")

    project.hold("refused")
    assert project.soop("secret", "set", PASSWORD, DOMAIN, given="my own\n").returncode == 1
    assert project.read(f"stacks/Pulumi.{DOMAIN}.yaml") == text
    assert shown(project) == first
    project.release()
    assert "unchanged" in pulumi(project, "up")

    assert "pasword" in project.soop("secret", "set", "vault-service.pasword", DOMAIN, given="x").stderr
    assert project.read(f"stacks/Pulumi.{DOMAIN}.yaml") == text
    done = project.soop("secret", "set", PASSWORD, DOMAIN, given="my own\n")
    assert done.returncode == 0, done.stderr
    assert "my own" not in project.read(f"stacks/Pulumi.{DOMAIN}.yaml") + done.stdout + done.stderr
    state = [path.read_bytes() for path in (project.root / ".soop/state").rglob("*") if path.is_file()]
    assert state
    assert not any(secret.encode() in text for text in state for secret in (first, "my own"))
    assert shown(project) == "my own"
    assert tried(project) == ["my own", first]
    assert f"soop secret set {PASSWORD}" in project.fail("rotate", DOMAIN, PASSWORD)

    project.write(f"stacks/Pulumi.{DOMAIN}.yaml", text)
    pulumi(project, "up")
    assert shown(project) not in (first, "my own")


def test_a_key_that_does_not_open_every_node_is_not_used(project: StandInProject) -> None:
    """Nothing answers where these nodes are said to be."""
    make(project)
    project.environment.update(STAND_IN_PORT="1", STAND_IN_HOST_KEY=new_host_key().public)
    project.succeed("deploy", "vault-service-1.0.0", DOMAIN)

    def keys() -> tuple[str | None, str | None]:
        state = Engine(Project(project.root), project.environment).state(DOMAIN, show_secrets=True)
        return state.private_key, state.next_key

    first, none = keys()
    assert none is None
    said = project.fail("rotate", DOMAIN, "ssh-key")
    assert "the new SSH key does not open every node: " in said
    assert "the old one stays in use" in said
    same, second = keys()
    assert same == first
    assert second not in (None, first)
    assert "unchanged" in pulumi(project, "up")
