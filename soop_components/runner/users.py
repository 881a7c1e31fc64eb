"""System users with a group of the same name."""

from __future__ import annotations

from soop_components.runner import accounts
from soop_components.runner.commands import Task
from soop_components.runner.failure import Failure, tail
from soop_components.runner.ledger import UserRecord
from soop_components.runner.plan import Component, User
from soop_components.runner.work import Work


def pending(work: Work, component: Component) -> dict[str, User]:
    """Return the users that are missing or not in their groups; what else a user is stays as it was made."""
    return {name: user for name, user in component.users.items() if drift(name, UserRecord(False, user.groups))}


def drift(name: str, record: UserRecord) -> list[str]:
    """Say how a user differs from how we left it."""
    if not accounts.exists(name):
        return [f"user {name}: missing"]
    missing = set(record.groups) - accounts.groups_of(name)
    return [f"user {name}: not in group {group}" for group in sorted(missing)]


def carry_out(work: Work, component: Component) -> None:
    """Make users and put them into their groups. Users are never removed: files may be theirs."""
    for name, user in pending(work, component).items():
        work.unsettle()
        if accounts.exists(name):
            _run(work, ["usermod", "--append", "--groups", ",".join(user.groups), name])
        else:
            work.ledger.users[name] = UserRecord(True, user.groups)
            groups = ["--groups", ",".join(user.groups)] if user.groups else []
            options = ["--system", "--user-group", "--no-create-home", "--home-dir", user.home, "--shell", user.shell]
            _run(work, ["useradd", *options, *groups, name])
        work.changed(f"user {name}")
    for name, user in component.users.items():
        known = work.ledger.users.get(name)
        work.ledger.users[name] = UserRecord(known.created if known else False, user.groups)


def forget_stale(work: Work) -> None:
    """Stop looking after users that the plan has not."""
    wanted = {name for component in work.document.components for name in component.users}
    for name in set(work.ledger.users) - wanted:
        del work.ledger.users[name]


def _run(work: Work, argv: list[str]) -> None:
    done = work.host.commands.run(Task(argv, timeout=60))
    if done.exit_code != 0:
        raise Failure(
            "users", f"{argv[0]} failed", command=done.command, exit_code=done.exit_code, stderr_tail=tail(done.stderr)
        )
