"""The names of the domain's nodes in /etc/hosts, in a block of our own."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from soop_components.runner import systemd
from soop_components.runner.document import parse
from soop_components.runner.host import Host
from soop_components.runner.vocabulary import Drift

_WRITTEN = "hosts.json"
"""What was written last, to be compared with what is there."""
_PATH = "/etc/hosts"
_FIREWALL = "soop-firewall.service"
"""Unit of a machine that lets the addresses of this block connect, if it has one: see ``machines/host``."""
_BEGIN = "# soop: begin (nodes of this domain; written by soop, do not edit)"
_END = "# soop: end"


def put(host: Host, hosts: Mapping[str, str]) -> None:
    """Write the block unless it is as it should be.

    Where a name gets another address, running units that have the file in their ``reload_on`` are reloaded.
    """
    before = current(host)
    if host.load(_WRITTEN) != hosts:
        host.prepare()
        host.store(_WRITTEN, hosts)
    _write(host, hosts)
    if any(before.get(name, address) != address for name, address in hosts.items()) and (readers := _readers(host)):
        systemd.call(host, "try-reload-or-restart", readers)
    if host.places.look(f"/etc/systemd/system/{_FIREWALL}") is not None:
        systemd.call(host, "try-reload-or-restart", [_FIREWALL])


def drift(host: Host) -> list[Drift]:
    """Return whether the block has other names or addresses than were written last."""
    written, found = host.load(_WRITTEN), current(host)
    if written is None or written == found:
        return []
    wrong = sorted(name for name in {*written, *found} if written.get(name) != found.get(name))
    return [Drift("file", _PATH, f"other addresses of {', '.join(wrong[:3])}{' …' if len(wrong) > 3 else ''}")]


def _readers(host: Host) -> list[str]:
    """Return the units of what runs that look names up only when they are loaded, as nginx does."""
    running = host.load("running.json")
    units = parse(running).units if running else {}
    return sorted(name for name, unit in units.items() if _PATH in unit.reload_on)


def _write(host: Host, hosts: Mapping[str, str]) -> None:
    found = host.places.look(_PATH)
    text = host.places.read(_PATH).decode(errors="surrogateescape") if found else "127.0.0.1 localhost\n"
    wanted = replaced(text, hosts)
    if wanted == text:
        return
    mode, uid, gid = (
        (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) if found else (0o644, os.geteuid(), os.getegid())
    )
    host.places.write(_PATH, wanted.encode(errors="surrogateescape"), mode, uid, gid)


def replaced(text: str, hosts: Mapping[str, str]) -> str:
    """Return the file's text with our block in place of an earlier one, or at the end; no names, no block."""
    before, after = _around(text)
    lines = [f"{address} {name}" for name, address in sorted(hosts.items())]
    block = "\n".join([_BEGIN, *lines, _END, ""]) if lines else ""
    if before and not before.endswith("\n"):
        before += "\n"
    return before + block + after


def _around(text: str) -> tuple[str, str]:
    lines = text.splitlines(keepends=True)
    bare = [line.rstrip("\n") for line in lines]
    if _BEGIN not in bare:
        return text, ""
    start = bare.index(_BEGIN)
    end = bare.index(_END, start) + 1 if _END in bare[start:] else start + 1
    return "".join(lines[:start]), "".join(lines[end:])


def current(host: Host) -> dict[str, str]:
    """Return the names and addresses of our block as it is; of two lines for one name the first counts."""
    if host.places.look(_PATH) is None:
        return {}
    text = host.places.read(_PATH).decode(errors="replace")
    before, after = _around(text)
    block = text[len(before) : len(text) - len(after)]
    pairs = (line.split() for line in block.splitlines() if line and not line.startswith("#"))
    return {words[1]: words[0] for words in reversed([*pairs]) if len(words) == 2}
