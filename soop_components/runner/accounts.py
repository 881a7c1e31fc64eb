"""Users and groups of the node by name and number."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from soop_components.runner.commands import Account


class UserEntry(NamedTuple):
    """A user as it is made; ``number`` and that of its ``group``, and the names of further groups."""

    number: int
    group: int
    home: str
    shell: str
    comment: str = ""
    groups: tuple[str, ...] = ()


class GroupEntry(NamedTuple):
    """A group."""

    number: int


Entry = UserEntry | GroupEntry


class Accounts(NamedTuple):
    """Users and groups by name."""

    users: Mapping[str, UserEntry]
    groups: Mapping[str, GroupEntry]


def present() -> Accounts:
    """Return the accounts of this node."""
    members: dict[str, list[str]] = {}
    for group in sorted(grp.getgrall()):
        for name in group.gr_mem:
            members.setdefault(name, []).append(group.gr_name)
    users = {
        user.pw_name: UserEntry(
            user.pw_uid, user.pw_gid, user.pw_dir, user.pw_shell, user.pw_gecos, tuple(members.get(user.pw_name, ()))
        )
        for user in pwd.getpwall()
    }
    return Accounts(users, {group.gr_name: GroupEntry(group.gr_gid) for group in grp.getgrall()})


def uid_of(name: str) -> int:
    """Return a user's number; ``OSError`` if there is no such user."""
    return _user(name).pw_uid


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
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
    entry = _user(name)
    groups = tuple(os.getgrouplist(name, entry.pw_gid))
    return Account(name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


def groups_of(name: str) -> set[str]:
    """Return the names of the groups a user was added to."""
    return {entry.gr_name for entry in grp.getgrall() if name in entry.gr_mem}


def shape_of(name: str) -> tuple[str, str]:
    """Return the home folder and the login shell of a user."""
    entry = _user(name)
    return entry.pw_dir, entry.pw_shell


def exists(name: str) -> bool:
    """Return whether there is a user of this name."""
    with suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False
