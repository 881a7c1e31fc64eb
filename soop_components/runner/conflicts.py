"""Refuses a first deployment to an existing host where others have what it needs: a package, or a port."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from glob import iglob

from soop_components.runner import package_needs as needs
from soop_components.runner.failure import Failure
from soop_components.runner.work import Work

CLAIM = "claim.json"
"""Is there on an existing host, on which programs of others may run, too."""
_LISTENS = "0A"
"""The state of a socket that waits for connections, in /proc/net/tcp."""


def check(work: Work) -> None:
    """Fail, before the first change of a first deployment, for a newer package or a port in use."""
    if not work.host.has(CLAIM) or work.host.has("running.json") or work.ledger.paths or work.ledger.packages:
        return
    needs.refuse_older(work, needs.known_to_dpkg(work))
    wanted = {part.http_health.port: part.name for part in work.document.components if part.http_health}
    sockets = {port: inode for port, inode in _listening(work) if port in wanted}
    if sockets:
        port = min(sockets)
        what = f"port {port} is in use by {_holder(work, sockets[port])}, which soop did not start"
        raise Failure("plan", f"{what}; end it, or give {wanted[port]} another port", component=wanted[port])


def _listening(work: Work) -> Iterator[tuple[int, str]]:
    """Yield the ports on which somebody listens, each with the number of its socket."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError), open(work.host.places.real(f"/proc/net/{table}"), encoding="ascii") as file:
            for words in map(str.split, file):
                if len(words) > 9 and words[3] == _LISTENS:
                    yield int(words[1].rpartition(":")[2], 16), words[9]


def _holder(work: Work, inode: str) -> str:
    """Return in words which process holds a socket."""
    for link in iglob(work.host.places.real("/proc/[0-9]*/fd/*")):
        with suppress(OSError):
            if os.readlink(link) == f"socket:[{inode}]":
                folder = os.path.dirname(os.path.dirname(link))
                with open(f"{folder}/comm", encoding="utf-8", errors="replace") as file:
                    return f"{file.read().strip()} (process {os.path.basename(folder)})"
    return "another program"
