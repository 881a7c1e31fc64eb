"""Upgrades of the ledger that wait at a point of ours, to be killed there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from tests.scenarios.migrations.ledger import DOMAIN, NODE, SERVICE, Ledger
from tests.scenarios.migrations.on_node import OnNode, ask, end
from tests.scenarios.trouble.beacon import UP, Run
from tests.scenarios.workspace import eventually

CLERK = f"clerk-1.ledger-service.{DOMAIN}"
_KEY = 4711
"""Of the lock for which migrations wait."""
_MORE = """\
  desk: {uses: script, with: {program: desk.sh, environment: {VERSION: "{{ service.version }}"}}}
nodes:
  clerk: {components: [desk]}
  database: {components: [store], after: [clerk]}
smoke_tests:
  - {name: it can be tried out, script: try.sh, role: clerk}
"""
_WAIT = "#!/bin/sh\ntouch /run/at-{0}\nwhile test -e /run/hold-{0}; do sleep 0.05; done\nrm -f /run/at-{0}\n"
_TRY = _WAIT.format("smoke") + "test ! -e /run/fail-smoke\nexit\n# "
SIZE = 24 << 20
"""Bytes of the blob while which is received the runner is frozen."""
_FREEZE = """
cd /var/lib/soop/blobs/sha256
while set -- *.new; test ! -e "$1"; do test -e /run/hold-blobs || exit; sleep 0.002; done
pkill -STOP -f '[/]var/lib/soop/runner/' && touch /run/at-blobs
"""
_RUNNERS = "-f '[/]var/lib/soop/runner/'"


class Upgrades:
    """The service with a second role, whose script and smoke test wait when they are told to."""

    def __init__(self, ledger: Ledger) -> None:
        self.project = ledger.project
        self._ledger = ledger
        self._numbers = count(1)
        for name in ("desk.sh", "try.sh"):
            (ledger.folder / name).touch(0o755)
        (ledger.folder / "desk.sh").write_text(_WAIT.format("apply"))
        reference = self.build("CREATE TABLE public.rows (n bigint PRIMARY KEY)")
        self.project.must("soop", "deploy", "--yes", reference, DOMAIN)
        self.clerk, self.database = OnNode(self.project, CLERK), OnNode(self.project, NODE)
        self._holder: subprocess.Popen[str] | None = None
        """The session that has the lock."""
        self._run: Run | None = None

    def build(self, sql: str = "", size: int = 0, *, irreversible: bool = False) -> str:
        """Build the next version: its migration waits for a lock of ours, its smoke test has at least this size."""
        number = next(self._numbers)
        (self._ledger.folder / "try.sh").write_text(_TRY + os.urandom(size // 2).hex())
        text = f"SELECT pg_advisory_xact_lock({_KEY});\n{sql or f'CREATE TABLE public.made_{number} ()'};\n"
        reference = f"ledger-service-2.0.{number}"
        name = f"{migration(reference)}_made.up.sql"
        if irreversible:
            self._ledger.write({name: f"-- soop: irreversible\n{text}"}, down=None)
        else:
            self._ledger.write({name: text}, down="SELECT 1;")
        head = SERVICE[: SERVICE.index("nodes:")].replace("1.0.0", f"2.0.{number}")
        (self._ledger.folder / "service.yaml").write_text(head + _MORE)
        self.project.must("soop", "build", "service_defs/ledger-service")
        return reference

    def begin(self, reference: str) -> Run:
        """Begin a bare update to a version."""
        stack = self.project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
        stack.write_text(re.sub(r"ledger-service-\d+\.\d+\.\d+", reference, stack.read_text()))
        self._run = Run(self.project, *UP, "--stack", DOMAIN)
        return self._run

    def until(self, point: str, reference: str) -> Run:
        """Begin an update, and wait until nodes or engine say that it is at a point, where it stays."""
        if point == "migration":
            self._holder = self.database.psql()
            assert ask(self._holder, f"SELECT 1 FROM pg_advisory_lock({_KEY})") == "1"
        elif point == "blobs":
            self.clerk.sh("touch /run/hold-blobs")
            self.clerk.begin(_FREEZE)
        else:
            self.clerk.sh(f"touch /run/hold-{'apply' if point == 'apply' else 'smoke'}")
        run = self.begin(reference)
        match point:
            case "blobs":
                self._wait(run, lambda: self.clerk.has("test -e /run/at-blobs"))
            case "apply":
                self._applying(run)
            case "migration":
                waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                self._wait(run, lambda: self.database.sql(waiting) == "1")
            case "switched":
                self._switched(run)
            case "acceptance":
                self._accepting(run, reference)
            case "rollback":
                self._rolling_back(run)
        return run

    def _applying(self, run: Run) -> None:
        self._wait(run, lambda: self.clerk.has("test -e /run/at-apply"))

    def _switched(self, run: Run) -> None:
        self._wait(run, lambda: self.clerk.has("test -e /run/at-smoke"))

    def _accepting(self, run: Run, reference: str) -> None:
        """Let one node accept while the runner on the other one is frozen."""
        self._switched(run)
        self.database.sh(f"pkill -STOP {_RUNNERS}")
        self.clerk.sh("rm /run/hold-smoke")
        self._wait(run, lambda: version_on(self.clerk, "accepted") == version_of(reference))

    def _rolling_back(self, run: Run) -> None:
        self._switched(run)
        self.clerk.sh("touch /run/fail-smoke /run/hold-apply; rm -f /run/at-apply /run/hold-smoke")
        self._applying(run)

    def _wait(self, run: Run, condition: Callable[[], bool]) -> None:
        def holds() -> bool:
            assert run.process.poll() is None, f"it ended before it was there:\n{run.text}"
            return condition()

        eventually(holds, 240)

    def kill(self, victim: str, run: Run) -> int:
        """Kill engine, provider or runners, let go on what goes on, and return how the run ended."""
        hit = 0
        if victim == "engine":
            hit += run.process.poll() is None
            run.kill()
            eventually(self.project.is_quiet)
        elif victim == "provider":
            for pid in self.project.processes():
                with suppress(OSError):
                    if b"pulumi-resource-soop" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        os.kill(pid, signal.SIGKILL)
                        hit += 1
        else:
            for node in (self.clerk, self.database):
                hit += int(node.sh(f"pkill -KILL --count {_RUNNERS}"))
        self.let_go()
        assert hit, f"no {victim} was there to be killed:\n{run.text}"
        return run.end().exit_code

    def let_go(self) -> None:
        """Let everything go on that waits."""
        self.clerk.sh("rm -f /run/hold-* /run/fail-smoke /run/at-*")
        for node in (self.clerk, self.database):
            node.sh(f"pkill -CONT {_RUNNERS}")
        if self._holder is not None:
            end(self._holder)
            self._holder = None

    def clear(self) -> None:
        """Let everything go on that waits, and end an update that is still there after a failure."""
        self.let_go()
        if self._run is not None and self._run.process.poll() is None:
            self.kill("engine", self._run)

    def versions(self) -> list[str]:
        """Return what the nodes run, once no apply is at work."""
        idle = "units=$(systemctl list-units --plain --no-legend 'soop-apply-*') && test -z \"$units\""
        for node in (self.clerk, self.database):
            eventually(lambda node=node: node.has(idle), 120)
        return [version_on(node, "running") for node in (self.clerk, self.database)]


def version_of(reference: str) -> str:
    """Return the version that a reference names."""
    return reference.rpartition("-")[2]


def migration(reference: str) -> int:
    """Return the number of the migration that a version brings."""
    return 20261128000000 + int(reference.rpartition(".")[2])


def version_on(node: OnNode, document: str) -> str:
    """Return the version of a document that a node keeps; a plan has versions of packages before it."""
    return node.sh(f'grep -o \'"version":"[^"]*"\' /var/lib/soop/{document}.json | tail -1 | cut -d\'"\' -f4')
