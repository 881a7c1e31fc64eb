"""Asks systemd for the state of units, and calls its verbs."""

from __future__ import annotations

import re
import shlex
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
    "NRestarts", "ExecMainStartTimestampMonotonic", "ConsistsOf", "ControlGroup", "Names", "FragmentPath",
    "SourcePath", "DropInPaths", "EnvironmentFiles", "TriggeredBy",
)  # fmt: skip
_LISTS = ("Names", "ConsistsOf", "DropInPaths", "TriggeredBy")
_ENVIRONMENT_FILE = re.compile(r"(/.+?) \(ignore_errors=(?:yes|no)\)")


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
    """How often systemd has started it again since it was started."""
    began: float = 0.0
    """When its main process was started, by the monotonic clock."""
    oneshot: bool = False
    """Whether it is a job that has not failed and leaves nothing running."""
    ran: bool = False
    """Whether it was started since the machine was, as far as systemd remembers."""
    parts: tuple[str, ...] = ()
    """Units that stop and restart with it."""
    cgroup: str = ""
    names: frozenset[str] = frozenset()
    """All that it is called."""
    paths: tuple[str, ...] = ()
    """The files that it was read from."""
    connection: bool = False
    """Whether it was made for one connection to a socket."""

    @property
    def running(self) -> bool:
        """Whether it does what a started unit does; systemd soon forgets jobs that nothing refers to."""
        return self.active in ("active", "reloading") or (self.oneshot and (self.ran or self.file_state == "static"))

    @property
    def starting(self) -> bool:
        """Whether it has not come to its end of starting yet."""
        return self.active == "activating" and not self.sub.startswith("auto-restart")

    @property
    def state_text(self) -> str:
        """How it is, in a word or two."""
        if self.load == "not-found":
            return "there is no such unit"
        return self.active if self.active == self.sub or not self.sub else f"{self.active} ({self.sub})"


def facts(host: Host, names: Iterable[str]) -> dict[str, Facts]:
    """Ask for all units at once."""
    wanted = sorted(names)
    asked = [name for name in wanted if not is_template(name)]
    templates = {name: Facts(load="loaded") for name in wanted if is_template(name)}  # nothing of it runs by itself
    if not asked:
        return templates
    return templates | dict(zip(asked, map(_facts, show(host, _PROPERTIES, asked)), strict=False))


def is_template(name: str) -> bool:
    """Return whether a unit is one that only instances are made of."""
    return "@." in name


def loaded(host: Host, *patterns: str) -> list[str]:
    """Return the units in systemd's memory that patterns name."""
    argv = ["systemctl", "list-units", "--plain", "--no-legend", "--", *patterns]
    return [line.split()[0] for line in host.commands.run(Task(argv, timeout=_ANSWER)).stdout.splitlines() if line]


def show(host: Host, properties: Sequence[str], names: Sequence[str]) -> list[dict[str, str]]:
    """Return properties of units in the order of their names; a busy systemd gets the time that it needs."""
    if host.has_systemd and (found := bus.show(properties, names, _ANSWER)) is not None:
        return found
    argv = ["systemctl", "show", f"--property={','.join(properties)}", "--", *names]
    task = Task(argv, timeout=_ANSWER)
    done = wait_until(lambda: host.commands.run(task), _PATIENCE, 0.5, good=lambda done: done.exit_code == 0)
    if done.exit_code != 0:
        raise Failure.of_command("units", "systemd does not answer", done)
    return [_block(text) for text in done.stdout.strip("\n").split("\n\n")]


def _block(text: str) -> dict[str, str]:
    """Read the properties of one unit; of those with several lines, the values are joined, and quotes in lists go."""
    found: dict[str, str] = {}
    for name, _, value in (line.partition("=") for line in text.splitlines() if "=" in line):
        value = " ".join(shlex.split(value)) if name in _LISTS and '"' in value else value
        found[name] = f"{found[name]} {value}" if name in found else value
    return found


def _facts(found: Mapping[str, str]) -> Facts:
    began = int(found.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    ended_well = found.get("ActiveState") == "inactive" and found.get("Result") == "success"
    environment = _ENVIRONMENT_FILE.findall(found.get("EnvironmentFiles", ""))
    files = " ".join(found.get(name, "") for name in ("FragmentPath", "SourcePath", "DropInPaths"))
    return Facts(
        load=found.get("LoadState", "not-found"),
        active=found.get("ActiveState", ""),
        sub=found.get("SubState", ""),
        result=found.get("Result", ""),
        file_state=found.get("UnitFileState", ""),
        stale=found.get("NeedDaemonReload") == "yes",
        can_reload=found.get("CanReload") == "yes",
        restarts=int(found.get("NRestarts") or 0),
        began=began,
        oneshot=found.get("Type") == "oneshot" and ended_well,
        ran=began > 0,
        parts=tuple(found.get("ConsistsOf", "").split()),
        cgroup=found.get("ControlGroup", ""),
        names=frozenset(found.get("Names", "").split()),
        paths=(*files.split(), *environment),
        connection="@" in found.get("Id", "") and ".socket" in found.get("TriggeredBy", ""),
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
    # Not both: with --since, --lines shows the first ones before systemd 254.
    end = f"--since=@{int(since)}" if since else f"--lines={TAIL_LINES}"
    argv = ["journalctl", end, "--no-pager", "--output=cat", "--quiet", *which]
    return tail(host.commands.run(Task(argv, timeout=30)).stdout)
