"""System users with a group of the same name."""

from __future__ import annotations

from collections.abc import Mapping

from soop_components.runner import account_numbers, accounts
from soop_components.runner.host import Host
from soop_components.runner.ledger import Ledger, UserRecord
from soop_components.runner.managed import Managed
from soop_components.runner.plan import Component
from soop_components.runner.work import Work


class Users(Managed):
    """Users are made and added to groups, and never removed, since files may be theirs; what they are stays."""

    step = "users"
    kind = "user"
    action = "configure"

    def check(self, work: Work) -> None:
        account_numbers.check(work)

    def prepare(self, work: Work) -> None:
        account_numbers.prepare(work)

    def wanted(self, component: Component) -> Mapping[str, UserRecord]:
        return {name: UserRecord(False, user.groups) for name, user in component.users.items()}

    def carry_out(self, work: Work, component: Component) -> None:
        for change in self.pending_in(work, component):
            name, user = change.subject, component.users[change.subject]
            if accounts.exists(name):
                account_numbers.run(work, ["usermod", "--append", "--groups", ",".join(user.groups), name])
            else:
                work.ledger.users[name] = UserRecord(True, user.groups)
                account_numbers.add_user(work, name, user)
            work.changes.append(change)
        for name, user in component.users.items():
            known = work.ledger.users.get(name)
            work.ledger.users[name] = UserRecord(known.created if known else False, user.groups)
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
        return [f"not in group {group}" for group in sorted(set(record.groups) - accounts.groups_of(name))]
