"""What dpkg and the scripts of packages have said, kept on the node."""

from __future__ import annotations

import os
import re
import time

from soop_components.runner.commands import Completed
from soop_components.runner.failure import tail
from soop_components.runner.host import KEPT, Host, write_whole

PATH = f"{KEPT}/packages.log"
_AT_MOST = 1 << 20
_SHOWN = 8
"""Lines."""
_HEAD = re.compile(r"^== (\d+) .*\n", re.MULTILINE)
"""Seconds of the epoch, the time in words, and the command."""
_OF_DPKG = re.compile(
    r"Selecting previously|\(Reading database|Preparing to unpack|Unpacking |Setting up |Removing |Processing triggers"
    r"|Created symlink|Removed |invoke-rc\.d: policy-rc\.d denied|dpkg: |\s*$"
)
"""Lines that say nothing about what a package's scripts have met."""


def append(host: Host, done: Completed) -> None:
    """Keep the output of a command; of much, the end."""
    head = f"== {int(time.time())} {time.strftime('%Y-%m-%d %H:%M:%S')} {done.command[:200]} ({done.exit_code})\n"
    before = _text(host)
    said = "\n".join(filter(None, [done.stdout.rstrip(), done.stderr.rstrip()]))
    write_whole(host.places.real(PATH), f"{before}{head}{said}\n".encode()[-_AT_MOST:])


def shown(host: Host, since: float) -> str:
    """Return the end of what scripts of packages said from a time on, to be shown; nothing if they said nothing."""
    said = tail(_said(host, since), _SHOWN)
    return f"packages said (all of it is in {PATH}):\n{said}" if said else ""


def _said(host: Host, when: float) -> str:
    """Return what scripts of packages have said from a time on, without dpkg's own lines."""
    heads = list(_HEAD.finditer(text := _text(host)))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    parts = [text[head.end() : end] for head, end in zip(heads, ends, strict=False) if int(head[1]) >= int(when)]
    return "\n".join(line for line in "".join(parts).splitlines() if not _OF_DPKG.match(line))


def _text(host: Host) -> str:
    path = host.places.real(PATH)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
