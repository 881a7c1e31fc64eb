"""What was in our place before us: copied once, restored when the plan no longer has the place."""

from __future__ import annotations

import os
import stat

from soop_components.runner.host import Host


def keep(host: Host, path: str) -> None:
    """Copy what is at a path, unless nothing is there or a copy exists; a folder cannot be replaced."""
    found = host.places.look(path)
    copy = host.kept("replaced") + path
    if found is None or os.path.lexists(copy):
        return
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        raise OSError(f"{path} is in the way and is neither a file nor a link: move it by hand")
    os.makedirs(os.path.dirname(copy), 0o700, exist_ok=True)
    temporary = f"{copy}.new"
    if stat.S_ISLNK(found.st_mode):
        os.symlink(host.places.target(path), copy)
        return
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(host.places.read(path))
        if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(file.fileno(), found.st_uid, found.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
    os.rename(temporary, copy)


def restore(host: Host, path: str) -> bool:
    """Move the copy back to its place; return whether there was one."""
    copy = host.kept("replaced") + path
    try:
        found = os.lstat(copy)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(found.st_mode):
        host.places.link(path, os.readlink(copy))
    else:
        with open(copy, "rb") as file:
            host.places.write(path, file.read(), stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    os.unlink(copy)
    return True
