"""Users and groups of the node by name and number."""

from __future__ import annotations

import grp
import os
import pwd
from contextlib import suppress

from soop_components.runner.commands import Account


def uid_of(name: str) -> int:
    """Return a user's number; ``OSError`` if there is no such user."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise OSError(f"there is no user {name!r} on this node") from None


def gid_of(name: str) -> int:
    """Return a group's number; ``OSError`` if there is no such group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise OSError(f"there is no group {name!r} on this node") from None


def owner_text(uid: int, gid: int) -> str:
    """Return ``user:group``, by number where a name is missing."""
    user, group = str(uid), str(gid)
    with suppress(KeyError):
        user = pwd.getpwuid(uid).pw_name
    with suppress(KeyError):
        group = grp.getgrgid(gid).gr_name
    return f"{user}:{group}"


def account(name: str) -> Account:
    """Return what a process of a user needs."""
    uid_of(name)
    entry = pwd.getpwnam(name)
    groups = tuple(os.getgrouplist(name, entry.pw_gid))
    return Account(name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


def groups_of(name: str) -> set[str]:
    """Return the names of the groups a user was added to."""
    return {entry.gr_name for entry in grp.getgrall() if name in entry.gr_mem}


def exists(name: str) -> bool:
    """Return whether there is a user of this name."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
