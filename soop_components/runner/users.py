"""System users with a group of the same name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from soop_components.runner import account_numbers, accounts
from soop_components.runner.host import Host
from soop_components.runner.ledger import Ledger, UserRecord
from soop_components.runner.managed import Managed
from soop_components.runner.plan import Component, User
from soop_components.runner.vocabulary import Change
from soop_components.runner.work import Work

_DEFAULT = User()


class Users(Managed):
    """Users are made, added to groups and given their home and shell, and never removed, since files may be theirs.

    Of a user that somebody else has made, home and shell stay unless the plan has others than a user has by default;
    when it no longer has, they become what they were.
    """

    step = "users"
    kind = "user"
    action = "configure"

    def check(self, work: Work) -> None:
        account_numbers.check(work)

    def prepare(self, work: Work) -> None:
        account_numbers.prepare(work)
        named = {name for part in work.document.components for name in part.users}
        for name, record in work.ledger.users.items():
            before = UserRecord(False, (), record.home_before, record.shell_before)
            if name not in named and accounts.exists(name) and self.details(work.host, name, before):
                _change(work, name, before)
                work.changed(self.kind, name, "restore")

    def pending_in(self, work: Work, component: Component) -> list[Change]:
        records = _records(work, component)
        differing = (name for name, record in records.items() if self.details(work.host, name, record))
        return [Change(self.kind, name, self.action) for name in differing]

    def carry_out(self, work: Work, component: Component) -> None:
        records = _records(work, component)
        for change in self.pending_in(work, component):
            name, user = change.subject, component.users[change.subject]
            work.ledger.users[name] = records[name]
            if accounts.exists(name):
                _change(work, name, records[name])
            else:
                account_numbers.add_user(work, name, user)
            work.changes.append(change)
        work.ledger.users.update({name: _left(record, component.users[name]) for name, record in records.items()})
        account_numbers.remember(work)

    def remove_stale(self, work: Work) -> None:
        for name in set(work.ledger.users) - {name for part in work.document.components for name in part.users}:
            del work.ledger.users[name]
        account_numbers.remember(work)  # scripts make users, too

    def records(self, ledger: Ledger) -> Mapping[str, UserRecord]:
        return ledger.users

    def details(self, host: Host, name: str, record: UserRecord) -> list[str]:
        if not accounts.exists(name):
            return ["missing"]
        home, shell = accounts.shape_of(name)
        texts = [f"not in group {group}" for group in sorted(_missing(name, record))]
        texts += [f"its home is {home}, not {record.home}"] if record.home not in (None, home) else []
        return [*texts, *([f"its shell is {shell}, not {record.shell}"] if record.shell not in (None, shell) else [])]


def _records(work: Work, component: Component) -> dict[str, UserRecord]:
    """Return what users of a component are to be."""
    return {name: _record(work, name, user) for name, user in component.users.items()}


def _record(work: Work, name: str, user: User) -> UserRecord:
    known = work.ledger.users.get(name)
    if known.created if known else not accounts.exists(name):
        return UserRecord(True, user.groups, user.home, user.shell)
    now = accounts.shape_of(name) if accounts.exists(name) else (None, None)
    kept = (known.home_before, known.shell_before) if known else (None, None)
    before = [there if first is None else first for there, first in zip(now, kept, strict=True)]
    home = (user.home, before[0]) if user.home != _DEFAULT.home else (kept[0], kept[0])
    shell = (user.shell, before[1]) if user.shell != _DEFAULT.shell else (kept[1], kept[1])
    return UserRecord(False, user.groups, home[0], shell[0], home[1], shell[1])


def _left(record: UserRecord, user: User) -> UserRecord:
    """Return a record without what of somebody else's user is as it was before."""
    if record.created:
        return record
    if user.home == _DEFAULT.home:
        record = record._replace(home=None, home_before=None)
    return record if user.shell != _DEFAULT.shell else record._replace(shell=None, shell_before=None)


def _missing(name: str, record: UserRecord) -> set[str]:
    return set(record.groups) - accounts.groups_of(name)


def _change(work: Work, name: str, record: UserRecord) -> None:
    """Make a user that is there what its record says; programs that run as it take notice when they are started."""
    runs_as = re.compile(rf"^\s*User\s*=\s*{re.escape(name)}\s*$", re.MULTILINE)
    units = [unit for unit, each in work.document.units.items() if runs_as.search(each.content or "")]
    work.begin_change(units, "restart")
    if _missing(name, record):
        account_numbers.run(work, ["usermod", "--append", "--groups", ",".join(record.groups), name])
    home, shell = accounts.shape_of(name)
    wanted = (home if record.home is None else record.home, shell if record.shell is None else record.shell)
    if wanted != (home, shell):
        account_numbers.shape(work, name, *wanted)
