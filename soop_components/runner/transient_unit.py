"""A systemd unit for a process that is there already: begun by a program that waits at a pipe, then entered.

So an apply need not start Python again to have a unit of its own. The unit ends when the process closes the pipe, and
succeeds only if the process wrote ``ended`` before; what is left in the unit is killed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress

from soop_components.runner.commands import Task
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.processes import CGROUPS
from soop_components.runner.waiting import wait_until

_PATIENCE = 90.0
"""Seconds that a busy systemd may take to begin a unit."""
_PAUSE = 0.01
_SLICE = "system.slice"


def enter(host: Host, unit: str, pipe: str, after_a_kill: Sequence[str]) -> int:
    """Move this process into a unit of its own and return its end of the pipe, for ``leave``.

    ``pipe`` is the path of a pipe that is there meanwhile; ``after_a_kill`` is run when the unit did not end well.
    """
    os.mkfifo(pipe, 0o600)
    try:
        _begin(host, unit, pipe, after_a_kill)
        held = _held(pipe)
    finally:
        os.unlink(pipe)
    try:
        _move(unit)
    except BaseException:
        os.close(held)
        raise
    return held


def leave(held: int) -> None:
    """Let the unit succeed when the pipe is closed."""
    os.write(held, b"ended\n")


def _begin(host: Host, unit: str, pipe: str, after_a_kill: Sequence[str]) -> None:
    unless_well = f"test $SERVICE_RESULT = success || exec {' '.join(after_a_kill)}"
    argv = [
        "systemd-run", "--quiet", "--no-block", "--collect", f"--unit={unit}", f"--slice={_SLICE}",
        "--description=soop apply", "--property=Delegate=yes", "--property=KillMode=control-group",
        "--property=OOMPolicy=continue", "--property=TimeoutStopSec=20",
        f"--property=ExecStopPost=/bin/sh -c '{unless_well}'", "--", "/bin/grep", "-qx", "ended", pipe,
    ]  # fmt: skip
    done = host.commands.run(Task(argv, timeout=_PATIENCE))
    if done.exit_code != 0:
        raise Failure.of_command("apply", "systemd did not start the apply", done._replace(command="systemd-run"))


def _held(pipe: str) -> int:
    """Open the pipe once the unit's program has it open."""
    held = wait_until(lambda: _open(pipe), _PATIENCE, _PAUSE, good=lambda held: held >= 0)
    if held < 0:
        raise Failure("apply", f"systemd did not start the apply within {_PATIENCE:.0f} seconds")
    return held


def _open(pipe: str) -> int:
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return -1


def _move(unit: str) -> None:
    """Enter the unit's control group wherever systemd keeps it."""
    with open("/proc/1/cgroup", encoding="ascii", errors="replace") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    roots = {path.removesuffix("/init.scope") for _, controllers, path in lines if controllers in ("", "name=systemd")}
    entered = False
    for folder in (f"{base}{root}/{_SLICE}/{unit}.service" for base in CGROUPS for root in roots):
        with suppress(FileNotFoundError), open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
            entered = True
    if not entered:
        raise Failure("apply", f"the control group of {unit}.service is not where systemd should have it")
