"""What the host shows of a scenario's project."""

from __future__ import annotations

import os
from pathlib import Path

from tests.scenarios.ground import Ground
from tests.scenarios.workspace import Workspace


class Realm(Ground):
    """The realm of a project, which can be looked for and rebooted."""

    def __init__(self, project: Workspace) -> None:
        self.realm = project.project.realm
        self.home = Path(os.path.realpath(project.project.home))
        self._slots = set()
