"""Asks dpkg what is installed, and lets it install and remove, while no package starts anything by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from soop_components.runner import packages_log, unit_requests
from soop_components.runner.commands import Completed, Task
from soop_components.runner.failure import Failure, tail
from soop_components.runner.host import Host, lock
from soop_components.runner.ledger import Stat
from soop_components.runner.relations import Control
from soop_components.runner.replaced import names_of
from soop_components.runner.waiting import wait_until

_TIMEOUT = 1800.0
_LOCK_PATIENCE = 120.0
"""Seconds to wait for another program that is installing packages."""
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "DEBCONF_NONINTERACTIVE_SEEN": "true", "DPKG_FRONTEND_LOCKED": "1"}
_FIELDS = ("Package", "Version", "Pre-Depends", "Depends", "Provides", "Conflicts", "Breaks")


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
    """Return a state of dpkg's database, another one after each change; None while dpkg works or was interrupted."""
    if os.listdir(host.places.real("/var/lib/dpkg/updates")):
        return None
    found = os.stat(host.places.real("/var/lib/dpkg/status"))
    return (found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)


def files(host: Host, packages: Iterable[str]) -> set[str]:
    """Return the files of installed packages, as processes that use them name them."""
    done = host.commands.run(Task(["dpkg-query", "--listfiles", *packages], timeout=60))
    return {os.path.realpath(path) for path in done.stdout.splitlines() if path.startswith("/")}


def owners(host: Host, paths: Iterable[str]) -> set[str]:
    """Return the packages that files are out of; dpkg may know a file by a path before Debian merged /usr."""
    names = {name for path in paths for name in names_of(path)}
    if not names:
        return set()
    done = host.commands.run(Task(["dpkg-query", "--search", "--", *sorted(names)], timeout=60))
    found = (who for who, _, _ in (line.rpartition(": ") for line in done.stdout.splitlines()))
    return {name.partition(":")[0] for who in found if " by " not in who for name in who.split(", ")}


def with_needed(host: Host, packages: Iterable[str]) -> set[str]:
    """Return packages and what they, directly or not, depend on; names that nothing installed has are among them."""
    rows = there(host)
    depends = {row.name: row.names("Pre-Depends") | row.names("Depends") for row in rows}
    provided: dict[str, list[str]] = {}
    for row in rows:
        for name in row.names("Provides"):
            provided.setdefault(name, []).append(row.name)
    found, todo = set[str](), list(packages)
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo += [*depends.get(name, ()), *provided.get(name, ())]
    return found


def controls(host: Host, archives: Iterable[str]) -> dict[str, Control]:
    """Return by package name what archives say of themselves."""
    found = {}
    for archive in archives:
        done = host.commands.run(Task(["dpkg-deb", "--field", archive, *_FIELDS], timeout=60))
        if done.exit_code != 0:
            raise _failed(f"{os.path.basename(archive)} is not a Debian package", done)
        unfolded = done.stdout.replace("\n ", " ")
        values = dict(line.split(": ", 1) for line in unfolded.splitlines() if ": " in line)
        found[values["Package"]] = Control(values["Package"], values["Version"], values)
    return found


def there(host: Host) -> list[Control]:
    """Return what the packages of the node say of themselves."""
    layout = "${db:Status-Abbrev}" + "".join(f"\\t${{{field}}}" for field in _FIELDS) + "\\n"
    done = host.commands.run(Task(["dpkg-query", "--show", f"--showformat={layout}"], timeout=60))
    rows = (line.split("\t") for line in done.stdout.splitlines() if line[1:2] not in "nc")
    return [Control(row[1], row[2], dict(zip(_FIELDS, row[1:], strict=True))) for row in rows]


def folders(host: Host, archive: str) -> set[str]:
    """Return the folders that are in an archive."""
    done = host.commands.run(Task(["dpkg-deb", "--contents", archive], timeout=60))
    rows = (line.split(maxsplit=5) for line in done.stdout.splitlines() if line.startswith("d"))
    return {row[5].removeprefix(".").rstrip("/") for row in rows}


def conffiles(host: Host, archive: str) -> set[str]:
    """Return the paths of an archive's configuration files."""
    done = host.commands.run(Task(["dpkg-deb", "--info", archive, "conffiles"], timeout=60))
    return set(done.stdout.split("\n")) if done.exit_code == 0 else set()


def compare(host: Host, version: str, operator: str, other: str) -> bool:
    """Compare two versions of a package; operators as in deb-control(5)."""
    argv = ["dpkg", "--compare-versions", version, operator, other]
    return host.commands.run(Task(argv, timeout=60)).exit_code == 0


def install(host: Host, runs: Sequence[Mapping[str, str]], on_line: Callable[[str], None]) -> None:
    """Unpack and configure runs of archives, by package; what a new one breaks is configured once all is unpacked."""
    if len(runs) == 1:
        _install(host, "--install", list(runs[0].values()), on_line)
        return
    for run in runs:
        _install(host, "--unpack", list(run.values()), on_line)
        _install(host, "--configure", list(run) if run is not runs[-1] else ["--pending"], on_line)


def _install(host: Host, verb: str, arguments: list[str], on_line: Callable[[str], None]) -> None:
    """Let dpkg work without waiting for the disk after each file."""
    options = ["--force-confdef", "--force-confold", "--force-unsafe-io", "--auto-deconfigure", "--no-pager"]
    done = _run(host, [verb, *options, *arguments], on_line)
    if done.exit_code != 0:
        reason = "dpkg could not install the packages"
        if "No space left on device" in done.stderr + done.stdout:
            reason += ": No space left on device (the node's disk is full)"
        raise _failed(reason, done._replace(command=f"dpkg {verb} ({len(arguments)} packages)"))


def repair(host: Host) -> None:
    """Finish what an interrupted dpkg left; a failure is reported by the install that follows."""
    _run(host, ["--configure", "--pending", "--force-confdef", "--force-confold", "--no-pager"])


def reconfigure(host: Host, packages: Sequence[str]) -> None:
    """Configure installed packages anew, by what debconf knows now."""
    done = _run(host, ["--frontend=noninteractive", *packages], program="dpkg-reconfigure")
    if done.exit_code != 0:
        raise _failed(f"{', '.join(packages)} could not be configured anew", done)


def remove(host: Host, packages: Iterable[str], to_be_replaced: bool = False) -> None:
    """Remove packages; their data and configuration stay.

    Packages that depend on those ``to_be_replaced`` stay, since these come back at once: apt, too, tells dpkg so.
    """
    options = ["--force-depends"] if to_be_replaced else []
    done = _run(host, ["--remove", "--no-pager", *options, *packages], stop_units=True)
    if done.exit_code != 0:
        raise _failed("dpkg could not remove packages", done)


def _run(
    host: Host,
    arguments: list[str],
    on_line: Callable[[str], None] | None = None,
    stop_units: bool = False,
    program: str = "dpkg",
) -> Completed:
    def hear(line: str) -> None:
        unit_requests.note_trigger(host, line)
        if on_line is not None:
            on_line(line)

    with _frontend_lock(host), unit_requests.noted(host, stop_units) as environment:
        environment = {**_ENVIRONMENT, **environment}
        done = host.commands.run(Task([program, *arguments], timeout=_TIMEOUT, environment=environment, on_line=hear))
    with suppress(OSError):  # a full disk has its own way to say so
        packages_log.append(host, done)
    return done


def _failed(message: str, done: Completed) -> Failure:
    said = "\n".join(filter(None, [tail(done.stdout, 8), tail(done.stderr, 12)]))
    return Failure.of_command("packages", message, done, said)


@contextmanager
def _frontend_lock(host: Host) -> Iterator[None]:
    """Hold the lock that apt and its like hold, having waited for them."""
    path = host.places.real("/var/lib/dpkg/lock-frontend")
    with open(path, "ab") as file:
        if not wait_until(lambda: lock(file.fileno(), posix=True), _LOCK_PATIENCE, 0.5):
            what = f"another program has been installing packages for {_LOCK_PATIENCE:.0f} seconds"
            raise Failure("packages", f"{what} ({path} is locked)")
        yield


def needed_by_others(host: Host, candidates: Iterable[str], but: Collection[str] = ()) -> set[str]:
    """Return those packages that installed ones outside of them and of ``but``, directly or not, may depend on."""
    rows = there(host)
    provided = {row.name: {row.name} | row.names("Provides") for row in rows}
    depends = {row.name: row.names("Pre-Depends") | row.names("Depends") for row in rows if row.name not in but}
    going = set(candidates)
    while True:
        wanted = {name for package, found in depends.items() if package not in going for name in found}
        kept = {package for package in going if provided.get(package, {package}) & wanted}
        if not kept:
            return set(candidates) - going
        going -= kept
