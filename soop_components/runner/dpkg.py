"""Asks dpkg what is installed, and lets it install and remove, while no package may start anything by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from soop_components.runner.commands import Completed, Task
from soop_components.runner.failure import Failure, tail
from soop_components.runner.host import Host, lock
from soop_components.runner.ledger import Stat
from soop_components.runner.waiting import wait_until

_TIMEOUT = 1800.0
_LOCK_PATIENCE = 120.0
"""Seconds to wait for another program that is installing packages."""
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "DEBCONF_NONINTERACTIVE_SEEN": "true", "DPKG_FRONTEND_LOCKED": "1"}
_GUARD = "/usr/sbin/policy-rc.d"
_SAVED = f"{_GUARD}.before-soop"
_GUARD_TEXT = (
    b"#!/bin/sh\n# Made by soop for as long as it installs packages: units are started when configured.\nexit 101\n"
)
_NAME = re.compile(r"\s*([a-z0-9][a-z0-9+.-]+)")


class Installed(NamedTuple):
    """A package as dpkg has it."""

    version: str
    status: str
    """``ii`` when installed; dpkg's two or three letters."""

    @property
    def present(self) -> bool:
        """Whether there is more of it than configuration."""
        return self.status[1:2] not in ("n", "c")

    @property
    def whole(self) -> bool:
        """Whether it is installed and configured, with nothing left to do."""
        return self.status[1:2] == "i" and len(self.status.rstrip()) == 2


def installed(host: Host) -> dict[str, Installed]:
    """Return what dpkg knows by ``name:architecture``."""
    layout = "${Package}:${Architecture}\\t${db:Status-Abbrev}\\t${Version}\\n"
    done = host.commands.run(Task(["dpkg-query", "--show", f"--showformat={layout}"], timeout=60))
    if done.exit_code != 0:
        raise _failed("dpkg's database cannot be read", done)
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {name: Installed(version, status) for name, status, version in rows}


def status_state(host: Host) -> Stat | None:
    """Return what stays the same as long as no package is touched; None while dpkg is at work or was interrupted."""
    if os.listdir(host.places.real("/var/lib/dpkg/updates")):
        return None
    found = os.stat(host.places.real("/var/lib/dpkg/status"))
    return (found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)


def relations(host: Host, archives: Iterable[str]) -> dict[str, dict[str, set[str]]]:
    """Return by package name what archives need and exclude, by field: ``Pre-Depends``, ``Depends`` and so on."""
    found = {}
    for archive in archives:
        fields = ["Package", "Pre-Depends", "Depends", "Conflicts", "Breaks"]
        done = host.commands.run(Task(["dpkg-deb", "--field", archive, *fields], timeout=60))
        if done.exit_code != 0:
            raise _failed(f"{os.path.basename(archive)} is not a Debian package", done)
        unfolded = done.stdout.replace("\n ", " ")
        values = dict(line.split(": ", 1) for line in unfolded.splitlines() if ": " in line)
        found[values["Package"]] = {field: names(values.get(field, "")) for field in fields[1:]}
    return found


def names(field: str) -> set[str]:
    """Return the package names in a field such as ``Depends``."""
    return {found[1] for part in re.split(r"[,|]", field) if (found := _NAME.match(part))}


def is_older(host: Host, version: str, other: str) -> bool:
    """Compare two versions of a package."""
    return host.commands.run(Task(["dpkg", "--compare-versions", version, "lt", other], timeout=60)).exit_code == 0


def install(host: Host, archives: list[str], on_line: Callable[[str], None]) -> None:
    """Unpack and configure archives in one run, without waiting for the disk after each file."""
    options = ["--force-confdef", "--force-confold", "--force-unsafe-io", "--auto-deconfigure", "--no-pager"]
    done = _run(host, ["--install", *options, *archives], on_line)
    if done.exit_code != 0:
        reason = "dpkg could not install the packages"
        if "No space left on device" in done.stderr + done.stdout:
            reason += ": No space left on device (the node's disk is full)"
        raise _failed(reason, done._replace(command=f"dpkg --install ({len(archives)} packages)"))


def repair(host: Host) -> None:
    """Finish what an interrupted dpkg left; a failure is reported by the install that follows."""
    _run(host, ["--configure", "--pending", "--force-confdef", "--force-confold", "--no-pager"])


def remove(host: Host, packages: Iterable[str]) -> None:
    """Remove packages; their data and configuration stay."""
    done = _run(host, ["--remove", "--no-pager", *packages])
    if done.exit_code != 0:
        raise _failed("dpkg could not remove packages", done)


def _run(host: Host, arguments: list[str], on_line: Callable[[str], None] | None = None) -> Completed:
    task = Task(["dpkg", *arguments], timeout=_TIMEOUT, environment=_ENVIRONMENT, on_line=on_line)
    with _frontend_lock(host):
        return host.commands.run(task)


def _failed(message: str, done: Completed) -> Failure:
    said = "\n".join(filter(None, [tail(done.stdout, 8), tail(done.stderr, 12)]))
    return Failure.of_command("packages", message, done, said)


@contextmanager
def _frontend_lock(host: Host) -> Iterator[None]:
    """Hold the lock that apt and its like hold, having waited for them."""
    path = host.places.real("/var/lib/dpkg/lock-frontend")
    with open(path, "ab") as file:
        if not wait_until(lambda left: lock(file.fileno(), posix=True), bool, _LOCK_PATIENCE):
            what = f"another program has been installing packages for {_LOCK_PATIENCE:.0f} seconds"
            raise Failure("packages", f"{what} ({path} is locked)")
        yield


@contextmanager
def guarded(host: Host) -> Iterator[None]:
    """Let no package start, stop or restart anything meanwhile."""
    if host.places.look(_GUARD) is not None and not _guard_is_ours(host):
        with suppress(FileNotFoundError):
            os.unlink(host.places.real(_SAVED))
        os.link(host.places.real(_GUARD), host.places.real(_SAVED), follow_symlinks=False)
    host.places.write(_GUARD, _GUARD_TEXT, 0o755, os.geteuid(), os.getegid())
    try:
        yield
    finally:
        remove_guard(host)


def remove_guard(host: Host) -> None:
    """Remove the guard, also one that a killed runner left, and restore what was there before."""
    if _guard_is_ours(host):
        try:
            os.rename(host.places.real(_SAVED), host.places.real(_GUARD))
        except FileNotFoundError:
            host.places.remove(_GUARD)


def _guard_is_ours(host: Host) -> bool:
    try:
        return host.places.read(_GUARD) == _GUARD_TEXT
    except OSError:
        return False


def needed_by_others(host: Host, candidates: Iterable[str]) -> set[str]:
    """Return those packages that installed ones outside of them, directly or not, may depend on."""
    layout = "${db:Status-Abbrev}\\t${Package}\\t${Pre-Depends}, ${Depends}\\t${Provides}\\n"
    done = host.commands.run(Task(["dpkg-query", "--show", f"--showformat={layout}"], timeout=60))
    rows = [line.split("\t") for line in done.stdout.splitlines() if line[1:2] not in "nc"]
    provided = {package: {package} | names(provides) for _, package, _, provides in rows}
    depends: Mapping[str, set[str]] = {package: names(field) for _, package, field, _ in rows}
    going = set(candidates)
    while True:
        wanted = {name for package, found in depends.items() if package not in going for name in found}
        kept = {package for package in going if provided.get(package, {package}) & wanted}
        if not kept:
            return set(candidates) - going
        going -= kept
