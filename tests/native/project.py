"""A project whose environment ``cloud`` is at a provider that is stood in for."""

from __future__ import annotations

import os
import shlex
import sys

from tests.engine.stand_in.project import REPOSITORY, StandInProject
from tests.native import EXTRAS, FOLDER
from tests.native.cloud import Cloud

FILE = "stacks/environments/cloud.yaml"


class NativeProject(StandInProject):
    """The folder, and what exists at the provider."""

    def __init__(self, project: StandInProject, package: str, plugin: str, environment: str) -> None:
        """Let Pulumi's SDK ``package`` find ``plugin``, a module, as its plugin."""
        super().__init__(project.root)
        self.cloud = Cloud(self.root / "cloud")
        self.write(FILE, environment)
        self.program_on_path(f"pulumi-resource-{package}", shlex.join([sys.executable, "-m", plugin]))
        self.environment |= {
            "PATH": f"{self.root / 'programs'}{os.pathsep}{self.environment['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(EXTRAS)]),
            FOLDER: str(self.root / "cloud"),
        }

    def program_on_path(self, name: str, command: str) -> None:
        """Make a program that runs a command."""
        self.write(f"programs/{name}", f'#!/bin/sh\nexec {command} "$@"\n')
        (self.root / "programs" / name).chmod(0o755)

    def hide_sdk(self, package: str) -> None:
        """Let Pulumi's SDK not be installed, also where somebody has it."""
        self.write("without/sitecustomize.py", f'import sys\n\nsys.modules["{package}"] = None\n')
        self.environment["PYTHONPATH"] = os.pathsep.join([str(self.root / "without"), str(REPOSITORY)])

    def calls(self) -> list[str]:
        """Return the calls since the last time: ``create Instance web-1…``."""
        found = [f"{verb} {kind} {name}" for verb, kind, name, _ in self.cloud.calls()]
        self.cloud.forget_calls()
        return found

    def change(self, old: str, new: str) -> None:
        """Edit the environment's file."""
        text = self.read(FILE)
        assert old in text
        self.write(FILE, text.replace(old, new))


def order(calls: list[str], *wanted: str) -> list[str]:
    """Return those of the calls that are wanted, in the order in which they came."""
    return [call for call in calls if call in wanted]
