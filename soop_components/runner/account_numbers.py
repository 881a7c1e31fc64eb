"""Numbers of users and groups: those that the plan gives, and those that a disk remembers for the files on it.

A disk keeps a file of the accounts of its node, those of packages included. On a new machine they are made before
anything else can take their numbers.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from soop_components.runner.accounts import Accounts, Entry, GroupEntry, UserEntry, present
from soop_components.runner.commands import Task
from soop_components.runner.failure import Failure
from soop_components.runner.host import lock
from soop_components.runner.plan import User
from soop_components.runner.typed_json import canonical, dump, read
from soop_components.runner.waiting import wait_until
from soop_components.runner.work import Work

FILE = ".soop-accounts"
_DATABASES = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")
_PATIENCE = 60.0
"""Seconds to wait for another program that changes accounts."""
_DYNAMIC = range(100, 60_000)
"""Numbers that are given out on a node; Debian or systemd fixes the others."""


def check(work: Work) -> None:
    """Fail, before the first change, where a number that the plan gives or that files on the disk have is not free."""
    given = _given(work)
    if not given.groups and not work.document.disk:
        return
    now, remembered = present(), _remembered(work)
    for kind in ("users", "groups"):
        for name, number, there in _clashes(getattr(given, kind), getattr(now, kind)):
            what = f"the plan gives {name} the number {number}, and here {there}"
            raise Failure("users", f"{what}; an account keeps its number as long as its machine lasts")
        later = {**getattr(now, kind), **getattr(given, kind)}
        for name, number, there in _clashes(getattr(remembered, kind), later):
            if owned := _owned(work, kind, number):
                what = f"{name} has the number {number} on the disk, where {owned} belongs to it, and here {there}"
                raise Failure("users", f"{what}; give such files to the right number with chown first")


def prepare(work: Work) -> None:
    """Make the missing accounts whose numbers the plan gives, then those that the disk remembers."""
    for wanted in (_given(work), _remembered(work)):
        if not wanted.groups:
            continue
        now = present()
        taken = {entry.number for entry in now.groups.values()}
        for name, group in wanted.groups.items():
            if name not in now.groups and group.number not in taken:
                run(work, ["groupadd", "--system", "--gid", str(group.number), name])
        taken = {entry.number for entry in now.users.values()}
        groups = {entry.number: name for name, entry in present().groups.items()}
        for name, user in wanted.users.items():
            if name not in now.users and user.number not in taken and user.group in groups:
                further = [group for group in user.groups if group in groups.values()]
                shape = User(user.home, user.shell, tuple(further), user.number, user.group)
                add_user(work, name, shape, user.comment)
                work.changed("user", name, "configure")


def remember(work: Work) -> None:
    """Write the accounts of this node to its disk, if they are others than before."""
    mount = work.disk()
    if mount is None:
        return
    now = present()
    dynamic = Accounts(
        {name: entry for name, entry in now.users.items() if entry.number in _DYNAMIC},
        {name: entry for name, entry in now.groups.items() if entry.number in _DYNAMIC},
    )
    if _remembered(work) != dynamic:
        content = canonical(
            {kind: {name: dump(each) for name, each in part.items()} for kind, part in dynamic._asdict().items()}
        )
        work.host.places.write(f"{mount}/{FILE}", content + b"\n", 0o600, os.geteuid(), os.getegid())
        work.host.sync(mount)


def add_user(work: Work, name: str, user: User, comment: str = "") -> None:
    """Make a system user; its group is the one of its name, which may be there already."""
    group = str(user.gid) if user.gid is not None else name if name in present().groups else None
    options = ["--system", "--no-create-home", "--home-dir", user.home, "--shell", user.shell]
    options += ["--comment", comment] if comment else []
    options += ["--user-group"] if group is None else ["--gid", group]
    options += ["--uid", str(user.uid)] if user.uid is not None else []
    options += ["--groups", ",".join(user.groups)] if user.groups else []
    run(work, ["useradd", *options, name])


def shape(work: Work, name: str, home: str, shell: str) -> None:
    """Give a user another home and shell; usermod refuses that while a process of the user runs."""
    if set(home + shell) & {":", "\n"}:
        raise Failure("users", f"{name}: expected a home and a shell without colons and line breaks")
    work.begin_change(_DATABASES, "below")
    places = work.host.places
    with _passwords_locked(work):
        lines = [line.split(":") for line in places.read("/etc/passwd").decode(errors="surrogateescape").split("\n")]
        for fields in lines:
            fields[5:] = [home, shell] if fields[0] == name else fields[5:]
        content = "\n".join(map(":".join, lines)).encode(errors="surrogateescape")
        places.write("/etc/passwd", content, 0o644, os.geteuid(), os.getegid())


@contextmanager
def _passwords_locked(work: Work) -> Iterator[None]:
    """Keep other programs from changing accounts, as lckpwdf(3) does."""
    with open(work.host.places.real("/etc/.pwd.lock"), "ab") as file:
        if not wait_until(lambda: lock(file.fileno(), posix=True), _PATIENCE, 0.1):
            raise Failure("users", "another program has been changing accounts for a minute; try again")
        yield


def run(work: Work, argv: list[str]) -> None:
    """Run a program that changes accounts."""
    work.begin_change(_DATABASES, "below")
    done = work.host.commands.run(Task(argv, timeout=60))
    if done.exit_code != 0:
        raise Failure.of_command("users", f"{argv[0]} failed", done)


def _given(work: Work) -> Accounts:
    """Return the accounts whose numbers the plan gives; a group has its user's number unless it has one of its own."""
    users: dict[str, UserEntry] = {}
    groups: dict[str, GroupEntry] = {}
    for component in work.document.components:
        for name, user in component.users.items():
            group = user.uid if user.gid is None else user.gid
            if group is not None:
                groups[name] = GroupEntry(group)
            if user.uid is not None and group is not None:
                users[name] = UserEntry(user.uid, group, user.home, user.shell)
    return Accounts(users, groups)


def _remembered(work: Work) -> Accounts:
    """Return the accounts that the disk remembers; a file that somebody else than root wrote is refused."""
    path = f"{work.document.disk}/{FILE}"
    found = work.host.places.look(path) if work.document.disk else None
    if found is None:
        return Accounts({}, {})
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o600:
        raise Failure("users", f"{path} was not written by root; remove it if the numbers of users may change")
    try:
        return read(Accounts, json.loads(work.host.places.read(path)), path)
    except (ValueError, AttributeError) as error:
        raise Failure("users", f"{path} is damaged ({error}); remove it if the numbers of users may change") from error


def _clashes(wanted: Mapping[str, Entry], now: Mapping[str, Entry]) -> Iterator[tuple[str, int, str]]:
    """Yield the accounts that cannot have their number, with the number, and what is there instead."""
    names = {entry.number: name for name, entry in now.items()}
    for name, entry in wanted.items():
        if name in now and now[name].number != entry.number:
            yield name, entry.number, f"{now[name].number}"
        elif names.get(entry.number, name) != name:
            yield name, entry.number, f"it is the number of {names[entry.number]}"


def _owned(work: Work, kind: str, number: int) -> str | None:
    """Return a path on the disk that belongs to a user or group by number."""
    top = work.host.places.real(str(work.document.disk))
    for folder, _, names in os.walk(top):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            found = os.lstat(path)
            if number == (found.st_uid if kind == "users" else found.st_gid):
                return path
    return None
