"""What packages ask of units: while dpkg runs, their scripts find programs of ours before systemctl and note it there.

So nothing is started before it is configured, and what a package wants restarted is restarted once. policy-rc.d, which
Debian has for this, hears of the first of several units only, and of nothing that a script asks systemctl itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Literal

from soop_components.runner import systemd
from soop_components.runner.commands import PATH
from soop_components.runner.host import Host, remove_tree, write_whole
from soop_components.runner.touched import Touched

_PROGRAM = """\
#!/bin/sh
# Stands before the program of its name while soop lets dpkg work: notes what is asked of units.
set -f
program=${0##*/} verb= units= now= whose=
for word; do
    case $word in
    --user | --machine* | -M*) whose=users ;;
    --now) now=yes ;;
    -*) ;;
    *) if [ "$verb" ]; then units="$units $word"; else verb=$word; fi ;;
    esac
done
if [ "$program" = invoke-rc.d ]; then
    name=${verb%.sh} verb=${units# }
    verb=${verb%% *} units=$name
fi
PATH=${PATH#*:}
noted=$verb
case $verb$now in
enableyes) noted=start ;;
disableyes | maskyes) noted=stop ;;
esac
case $noted in
start | *stop | *restart | reload | force-reload)
    for unit in $units; do [ "$whose" ] || echo "$noted $unit" >>'@NOTES@'; done
    case $noted$SOOP_STOPS in *stopyes) exec "$program" "$@" ;; esac
    [ "$now" ] || exit 0
    for word; do
        shift
        [ "$word" = --now ] || set -- "$@" "$word"
    done
    ;;
esac
exec "$program" "$@"
"""
Verb = Literal["restart", "reload", "stop"]
_TRIGGER = re.compile(r"Processing triggers for ([a-z0-9][a-z0-9+.-]+)")
_KINDS = ("service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice", "scope", "device")


@contextmanager
def noted(host: Host, stop: bool) -> Iterator[Mapping[str, str]]:
    """Yield the environment in which what is asked of units is noted; to ``stop`` one is carried out as well."""
    folder = host.kept("before-systemctl")
    remove_tree(folder)
    os.makedirs(folder)
    write_whole(os.path.join(folder, "systemctl"), _PROGRAM.replace("@NOTES@", _notes(host)).encode(), 0o700)
    for name in ("deb-systemd-invoke", "invoke-rc.d"):
        os.symlink("systemctl", os.path.join(folder, name))
    try:
        yield {"PATH": f"{folder}:{PATH}", "SOOP_STOPS": "yes" if stop else ""}
    finally:
        remove_tree(folder)


def note_trigger(host: Host, line: str) -> None:
    """Note, by a line of dpkg's, which package it informs of a change that the package wants to know of."""
    if found := _TRIGGER.match(line):
        with open(_notes(host), "a", encoding="utf-8") as file:
            file.write(f"triggered {found[1]}\n")


def taken(host: Host) -> set[Touched]:
    """Return what was asked of units in the end, and which packages dpkg informed of a change; ``forget`` ends it."""
    with suppress(FileNotFoundError), open(_notes(host), encoding="utf-8", errors="replace") as file:
        lines = [line.split() for line in file if line.count(" ") == 1]
        asked = outcome((verb, unit) for verb, name in lines if verb != "triggered" for unit in _units(host, name))
        triggered = {Touched("triggered", name) for verb, name in lines if verb == "triggered"}
        return {Touched(verb, unit) for unit, verb in asked.items()} | triggered
    return set()


def forget(host: Host) -> None:
    """Forget what was asked."""
    with suppress(FileNotFoundError):
        os.unlink(_notes(host))


def outcome(asked: Iterable[tuple[str, str]]) -> dict[str, Verb]:
    """Return what a sequence of requests amounts to for a unit that runs; to start it changes nothing."""
    found: dict[str, Verb] = {}
    for verb, unit in asked:
        before = found.get(unit)
        if verb == "start":
            if before == "stop":
                found[unit] = "restart"
        elif verb.endswith("reload") or verb.startswith(("reload", "try-reload")):
            found[unit] = before or "reload"
        else:
            found[unit] = "stop" if verb.endswith("stop") else "restart"
    return found


def _units(host: Host, name: str) -> list[str]:
    """Return the units that a request names, those that run where it is a pattern."""
    name = name if name.rpartition(".")[2] in _KINDS else f"{name}.service"
    if not set("*?[") & set(name):
        return [name]
    return systemd.loaded(host, name)


def _notes(host: Host) -> str:
    """What is noted need not outlast a restart of the machine, which starts everything anew."""
    return host.volatile("asked-of-units")
