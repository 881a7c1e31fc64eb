"""Machines as their host sees them: a command runs in one in a moment, and whatever becomes of its deployer."""

from __future__ import annotations

import os

_SEARCHED = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def by_root(*argv: str) -> list[str]:
    """Return the command by which root runs another one."""
    return [*([] if os.geteuid() == 0 else ["sudo", "-n"]), *argv]


def entered(first_process: int) -> list[str]:
    """Return how a command begins that runs in a machine, by the machine's first process."""
    within = ("--mount", "--uts", "--ipc", "--net", "--pid")
    clean = ("env", "--chdir=/", "-i", "HOME=/root", _SEARCHED)
    return by_root("nsenter", f"--target={first_process}", *within, "--", *clean)
