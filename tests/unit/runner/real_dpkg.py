"""A node whose packages are dpkg's own business: the programs are real, with a database of the test."""

from __future__ import annotations

from pathlib import Path

from soop_components.runner.commands import Completed, Programs, Task
from tests.unit.runner.node import Played


class Dpkg(Played):
    """Runs dpkg for real, with a database of its own."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        for folder in ("updates", "info"):
            (root / "var/lib/dpkg" / folder).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        self._options = {"dpkg-deb": [], "dpkg-query": [f"--root={root}"], "dpkg-divert": [f"--root={root}"]}
        self._options["dpkg"] = [f"--root={root}", "--force-script-chrootless", "--force-not-root", "--log=/dev/null"]

    def run(self, task: Task) -> Completed:
        program, *arguments = task.argv
        if program not in self._options or arguments[:1] == ["--compare-versions"]:
            return super().run(task)
        return Programs().run(task._replace(argv=[program, *self._options[program], *arguments]))
