"""Which programs listen on ports of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from glob import iglob

from soop_components.machines.host.on_host.files import KEPT

PROC = "/proc"
RUNNING = f"{KEPT}/running.json"
"""Where the runner notes what runs; as long as it is there, programs may be ours."""
_LISTENS = "0A"
"""The state of a socket that waits for connections, in /proc/net/tcp."""


def in_use(ports: list[int]) -> dict[str, str]:
    """Return those of these ports at which somebody else listens, each with who it is."""
    if os.path.exists(RUNNING):
        return {}
    sockets = {port: inode for port, inode in _listening() if port in ports}
    return {str(port): _holder(sockets[port]) for port in sorted(sockets)}


def _listening() -> Iterator[tuple[int, str]]:
    """Yield the ports on which somebody listens, each with the number of its socket."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError), open(f"{PROC}/net/{table}", encoding="ascii") as file:
            for words in map(str.split, file):
                if len(words) > 9 and words[3] == _LISTENS:
                    yield int(words[1].rpartition(":")[2], 16), words[9]


def _holder(inode: str) -> str:
    """Return in words which process holds a socket."""
    for link in iglob(f"{PROC}/[0-9]*/fd/*"):
        with suppress(OSError):
            if os.readlink(link) == f"socket:[{inode}]":
                folder = os.path.dirname(os.path.dirname(link))
                with open(f"{folder}/comm", encoding="utf-8", errors="replace") as file:
                    return f"{file.read().strip()} (process {os.path.basename(folder)})"
    return "another program"
