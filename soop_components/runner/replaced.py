"""What things of ours replace: kept once, and restored when they are stale.

A file of a package is diverted (dpkg-divert(1)): from then on dpkg looks after the kept copy, so that it is always that
of the installed version, and goes with the package.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping

from soop_components.runner.commands import Task
from soop_components.runner.host import KEPT, Host
from soop_components.runner.places import chunks

_FOLDER = f"{KEPT}/replaced"
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""What Debian has merged into /usr; dpkg may know a file by either path."""
_AT_ONCE = 1000


def keep(host: Host, paths: Iterable[str], ours: Collection[str]) -> None:
    """Keep copies of what somebody else has put at these paths; ``ours`` are those that we wrote ourselves."""
    wanted = list(paths)
    owned = owned_by_packages(host, wanted)
    for path in wanted:
        if path not in ours or path in owned:
            _copy(host, path)
    divert(host, owned)


def divert(host: Host, names: Mapping[str, str]) -> None:
    """Let dpkg put files of packages where copies are kept; ``names`` are what dpkg calls the paths."""
    before = diversions(host) if names else {}
    for path, name in names.items():
        if path in before:  # another version of a package calls it by the other name
            _divert(host, "--remove", path, before[path])
        os.makedirs(os.path.dirname(copy_of(host, path)), 0o700, exist_ok=True)
        _divert(host, "--add", path, name)  # where a package has diverted it already, the copy stays as it is


def restore(host: Host, path: str, diverted: Mapping[str, str]) -> bool:
    """Move the copy back to its place; return whether there was one."""
    copy = copy_of(host, path)
    if path in diverted:
        _divert(host, "--remove", path, diverted[path])
    try:
        found = os.lstat(copy)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(found.st_mode):
        host.places.link(path, os.readlink(copy))
    else:
        with open(copy, "rb") as file:
            host.places.write(path, chunks(file), stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    os.unlink(copy)
    return True


def copy_of(host: Host, path: str) -> str:
    """Return where the copy of what was at a path is kept."""
    return host.places.real(_FOLDER + path)


def diversions(host: Host) -> dict[str, str]:
    """Return the paths that we have diverted, with what dpkg calls them."""
    try:
        with open(host.places.real("/var/lib/dpkg/diversions"), encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return {}
    pairs = zip(lines[0::3], lines[1::3], strict=False)  # from, to, and the package or a colon
    return {to.removeprefix(_FOLDER): name for name, to in pairs if to.startswith(f"{_FOLDER}/")}


def owned_by_packages(host: Host, paths: Iterable[str]) -> dict[str, str]:
    """Return those paths that packages own by a name that nobody has diverted, with what dpkg calls them."""
    if not os.path.isdir(host.places.real("/var/lib/dpkg/info")):
        return {}
    diverted = set(diversions(host).values())
    names = {name: path for path in paths for name in names_of(path) if name not in diverted}
    asked = sorted(names)
    found: dict[str, str] = {}
    for start in range(0, len(asked), _AT_ONCE):
        patterns = [_escaped(name) for name in asked[start : start + _AT_ONCE]]
        done = host.commands.run(Task(["dpkg-query", "--search", "--", *patterns], timeout=60))
        lines = [line.rpartition(": ")[::2] for line in done.stdout.splitlines()]
        elsewhere = {name for who, name in lines if who.startswith(("diversion by ", "local diversion"))}
        found |= {names[name]: name for _, name in lines if name in names and name not in elsewhere}
    return found


def names_of(path: str) -> Iterator[str]:
    """Yield the names that dpkg may have for a path."""
    yield path
    if path.startswith("/usr/") and path.split("/")[2] in _MERGED:
        yield path.removeprefix("/usr")
    elif path.split("/")[1] in _MERGED:
        yield f"/usr{path}"


def _escaped(name: str) -> str:
    return "".join(f"\\{character}" if character in "*?[\\" else character for character in name)


def _divert(host: Host, verb: str, path: str, name: str) -> None:
    where = ["--divert", _FOLDER + path, "--no-rename"]
    host.commands.run(Task(["dpkg-divert", "--quiet", "--local", *where, verb, name], timeout=60))


def _copy(host: Host, path: str) -> None:
    """Copy what is at a path, unless nothing is there or a copy exists; a folder cannot be replaced."""
    found = host.places.look(path)
    copy = copy_of(host, path)
    if found is None or os.path.lexists(copy):
        return
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        raise OSError(f"{path} is in the way and is neither a file nor a link; move it away by hand")
    os.makedirs(os.path.dirname(copy), 0o700, exist_ok=True)
    temporary = f"{copy}.new"
    if stat.S_ISLNK(found.st_mode):
        os.symlink(host.places.target(path), copy)
        return
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        with host.places.open(path) as there:
            file.writelines(chunks(there))
        if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(file.fileno(), found.st_uid, found.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
    os.rename(temporary, copy)
