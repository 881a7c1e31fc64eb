"""Asks systemd for the state of units, and calls its verbs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from soop_components.runner import bus
from soop_components.runner.commands import Task
from soop_components.runner.failure import TAIL_LINES, Failure, tail
from soop_components.runner.host import Host
from soop_components.runner.waiting import wait_until

_JOB_TIMEOUT = 330.0
"""Seconds a start or stop may take; units have time limits of their own, most of 90 s."""
_ANSWER = 30.0
"""Seconds that systemd may take for one answer."""
_PATIENCE = 90.0
"""Seconds from which on an answer that does not come is a failure."""
_PROPERTIES = (
    "Id", "LoadState", "ActiveState", "SubState", "Result", "UnitFileState", "NeedDaemonReload", "Type", "CanReload",
    "NRestarts", "ExecMainStartTimestampMonotonic", "ConsistsOf", "ControlGroup",
)  # fmt: skip


class Facts(NamedTuple):
    """A unit as systemd sees it."""

    load: str = "not-found"
    active: str = "inactive"
    sub: str = "dead"
    result: str = "success"
    file_state: str = ""
    stale: bool = False
    """Whether its files changed since systemd read them."""
    can_reload: bool = False
    restarts: int = 0
    oneshot_done: bool = False
    """Whether it is a job that ran to its end and leaves nothing running."""
    parts: tuple[str, ...] = ()
    """Units that stop and restart with it."""
    cgroup: str = ""

    @property
    def running(self) -> bool:
        """Whether it does what a started unit does."""
        return self.active in ("active", "reloading") or self.oneshot_done

    @property
    def state_text(self) -> str:
        """How it is, in a word or two."""
        if self.load == "not-found":
            return "there is no such unit"
        return self.active if self.active == self.sub or not self.sub else f"{self.active} ({self.sub})"


def facts(host: Host, names: Iterable[str]) -> dict[str, Facts]:
    """Ask for all units at once."""
    wanted = sorted(names)
    asked = [name for name in wanted if "@." not in name]
    templates = {name: Facts(load="loaded") for name in wanted if "@." in name}  # nothing of it runs by itself
    if not asked:
        return templates
    return templates | dict(zip(asked, map(_facts, show(host, _PROPERTIES, asked)), strict=False))


def show(host: Host, properties: Sequence[str], names: Sequence[str]) -> list[dict[str, str]]:
    """Return properties of units in the order of their names; a busy systemd gets the time that it needs."""
    if host.has_systemd and (found := bus.show(properties, names, _ANSWER)) is not None:
        return found
    argv = ["systemctl", "show", f"--property={','.join(properties)}", "--", *names]
    task = Task(argv, timeout=_ANSWER)
    done = wait_until(lambda left: host.commands.run(task), lambda done: done.exit_code == 0, _PATIENCE)
    if done.exit_code != 0:
        raise Failure.of_command("units", "systemd does not answer", done)
    blocks = done.stdout.strip("\n").split("\n\n")
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]


def _facts(found: Mapping[str, str]) -> Facts:
    ran = found.get("ExecMainStartTimestampMonotonic", "0") != "0"
    ended_well = found.get("ActiveState") == "inactive" and found.get("Result") == "success"
    return Facts(
        load=found.get("LoadState", "not-found"),
        active=found.get("ActiveState", ""),
        sub=found.get("SubState", ""),
        result=found.get("Result", ""),
        file_state=found.get("UnitFileState", ""),
        stale=found.get("NeedDaemonReload") == "yes",
        can_reload=found.get("CanReload") == "yes",
        restarts=int(found.get("NRestarts") or 0),
        oneshot_done=found.get("Type") == "oneshot" and ran and ended_well,
        parts=tuple(found.get("ConsistsOf", "").split()),
        cgroup=found.get("ControlGroup", ""),
    )


def call(host: Host, verb: str, names: Sequence[str] = ()) -> None:
    """Run ``systemctl VERB UNITS``; a failure shows the journal's last lines of the units."""
    began = time.time() - 1
    argv = ["systemctl", verb, "--no-ask-password", *(["--", *names] if names else [])]
    done = host.commands.run(Task(argv, timeout=_JOB_TIMEOUT))
    if done.exit_code == 0:
        return
    message = f"{', '.join(names) or 'systemd'}: {verb} failed"
    if done.timed_out:
        message = f"{', '.join(names)}: {verb} took more than {_JOB_TIMEOUT:.0f} seconds"
    said = "\n".join(filter(None, [tail(done.stderr, 5), journal(host, names, began)]))
    raise Failure.of_command("units", message, done, said)


def start(host: Host, verb: str, name: str) -> None:
    """Start, restart or reload a unit, however often that was done just now.

    Systemd refuses the sixth start within ten seconds: StartLimitBurst in systemd.unit(5).
    """
    try:
        call(host, verb, [name])
    except Failure:
        if facts(host, [name])[name].result != "start-limit-hit":
            raise
        call(host, "reset-failed", [name])
        call(host, verb, [name])


def journal(host: Host, units: Iterable[str], since: float) -> str:
    """Return the last lines that units wrote from a time on, in seconds of the epoch."""
    host.commands.run(Task(["journalctl", "--sync"], timeout=30))  # the last lines count most
    fields = [field for unit in units for field in ("+", f"UNIT={unit}", "+", f"_SYSTEMD_UNIT={unit}")]
    which = fields[1:]  # --unit misses lines of a process that ended at once
    options = [f"--since=@{int(since)}", f"--lines={TAIL_LINES}", "--no-pager", "--output=cat", "--quiet"]
    argv = ["journalctl", *options, *which]
    return tail(host.commands.run(Task(argv, timeout=30)).stdout)
