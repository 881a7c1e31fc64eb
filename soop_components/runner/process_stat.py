"""What the kernel says of a process in one line: proc_pid_stat(5)."""

from __future__ import annotations

STATE, PARENT, STARTED, ENVIRONMENT = 0, 1, 19, slice(47, 49)
"""Where in the line: a letter; a number; ticks of the clock since the machine was started; two addresses."""


def stat_of(pid: int | str) -> list[str]:
    """Return the fields after the program's name, which may hold anything; ``OSError`` if there is no such process."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()
