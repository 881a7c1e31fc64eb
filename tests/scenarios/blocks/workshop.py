"""A domain with one node, on which a component of each block runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.scenarios.workspace import Workspace, get
from tests.wheel_source import WheelSource

SERVICE, DOMAIN = "workshop-service", "dev-workshop"
NODE = f"web-1.{SERVICE}.{DOMAIN}"
HOME = f"/opt/{SERVICE}/pages"
JOB = f"{SERVICE}-tidy.service"


class Workshop:
    """The domain, and the definition of its service."""

    def __init__(self, project: Workspace) -> None:
        self.project = project
        self.definition = project.root / "service_defs" / SERVICE
        self.wheels = WheelSource(project.root / "wheels")
        project.environment |= self.wheels.settings
        for file in (project.root / "stacks").glob("Pulumi.*.yaml"):
            file.unlink()
        shutil.copytree(Path(__file__).parent / "service_defs" / SERVICE, self.definition, symlinks=True)
        domain = project.root / "stacks" / f"Pulumi.{DOMAIN}.yaml"
        domain.write_text(f"config:\n  soop:environment: dev\n  soop:services: [{{service: {SERVICE}-1.0.0}}]\n")

    def publish(self, version: str) -> None:
        """Let the package index have a version of what the application needs."""
        self.wheels.publish("greeter", version, content=f"VERSION = '{version}'\n")

    def change(self, file: str, before: str, after: str) -> None:
        """Change a line of the definition."""
        path = self.definition / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def build(self, version: str, *lock: str) -> str:
        """Lock and build a version, and return its reference."""
        self.project.must("soop", "lock", SERVICE, *lock)
        self.project.must("soop", "build", SERVICE, "--version", version)
        return f"{SERVICE}-{version}"

    def deploy(self, reference: str) -> str:
        return self.project.must("soop", "deploy", "--yes", reference, DOMAIN)

    def says(self) -> dict[str, Any]:
        """Return what the application answers."""
        [url] = self.project.service(DOMAIN, SERVICE)["endpoints"]["http"]
        status, answer = get(url)
        assert status == 200
        return answer

    def sh(self, command: str) -> str:
        """Run a shell command on the node."""
        return self.project.sh(NODE, command).strip()

    def blobs(self) -> set[str]:
        """Return the blobs on the node."""
        return set(self.sh("ls /var/lib/soop/blobs/sha256").split())
