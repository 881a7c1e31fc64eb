"""The life of a domain in an environment of yours: at AWS, at libvirt, on hosts of your own. It may cost money."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from soop_components.project import Project
from soop_components.setup import shell_environment
from tests import versions
from tests.native import EXTRAS
from tests.scenarios.same_artifact import runs_the_same_artifact
from tests.scenarios.workspace import CHECKOUT, Workspace, workspace

ENVIRONMENT = "ENVIRONMENT"
"""Variable that names the environment's file."""


@pytest.mark.timeout(6 * 3600)
def test_a_domain_comes_is_upgraded_refuses_a_bad_version_and_goes() -> None:
    file = Path(os.environ[ENVIRONMENT])
    with workspace("real") as project, _domain(project, file) as domain:
        for version in ("3.2.3", "3.2.4"):
            project.must("soop", "deploy", "--yes", f"access-service-{version}", domain)
            assert project.service(domain)["version"] == version
            assert runs_the_same_artifact(project, domain)
            assert project.changes(domain) == {}
        with versions.bad(project.root, "wrong") as bad:
            project.must("soop", "build", "service_defs/access-service")
            assert "smoke test" in project.fails("soop", "deploy", "--yes", bad, domain)
        assert project.service(domain)["version"] == "3.2.4"
        assert "healthy" in project.must("soop", "status", domain)


@contextmanager
def _domain(project: Workspace, file: Path) -> Iterator[str]:
    """Prepare a domain with the access service in the environment; nothing of it is left there."""
    domain = f"{file.stem}-try{secrets.token_hex(3)}"
    project.too_long = 2 * 3600
    project.environment["PYTHONPATH"] = os.pathsep.join([str(CHECKOUT), str(EXTRAS)])
    shutil.copyfile(file, project.root / "stacks/environments" / file.name)
    (project.root / f"stacks/Pulumi.{domain}.yaml").write_text(
        f"config:\n  soop:environment: {file.stem}\n  soop:services:\n"
        "    - service: access-service-3.2.3\n      nodes: {web: 2}\n"
    )
    project.project.passphrase.unlink(missing_ok=True)
    project.project.passphrase.touch(mode=0o600)
    project.project.passphrase.write_text(secrets.token_hex(16))
    project.must("soop", "build", "service_defs/access-service")
    versions.make(project.root, "access-service-3.2.4")
    project.must("soop", "build", "service_defs/access-service")
    try:
        yield domain
    finally:
        done = project.run("soop", "destroy", "--yes", "--with-data", domain)
        if done.exit_code:
            kept = _keep(project, domain)
            pytest.fail(f"{done.text}\n{domain} is not gone: cd {kept} && soop destroy --yes --with-data {domain}")


def _keep(project: Workspace, domain: str) -> Path:
    """Keep what it takes to destroy a domain later: its state, and what opens that."""
    kept = CHECKOUT / ".cache" / "left" / domain
    without = shutil.ignore_patterns("images", "cache", "machines", "disks")
    shutil.copytree(project.root, kept, symlinks=True, ignore=without)
    shell_environment.ensure(Project(kept))
    return kept
