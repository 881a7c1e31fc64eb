"""Users, and the numbers that they keep: those that a plan gives, and those that a disk remembers."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from soop_components.runner import account_numbers, accounts, unit_watch
from soop_components.runner.accounts import Accounts, GroupEntry, UserEntry
from soop_components.runner.commands import Completed, Task
from soop_components.runner.document import parse
from soop_components.runner.failure import Failure
from soop_components.runner.work import Work
from tests.unit.runner.node import Node, Played, document

DISK = "/srv/disk"
BASE = {"messagebus": 101}
"""Accounts of the base image."""


class Machine(Played):
    """Plays the accounts of a machine too; numbers are given out from 999 downwards, as Debian does."""

    def __init__(self, **base: int) -> None:
        super().__init__()
        base = base or BASE
        self.users = {name: UserEntry(number, number, "/", "/bin/false") for name, number in base.items()}
        self.groups = {name: GroupEntry(number) for name, number in base.items()}

    def run(self, task: Task) -> Completed:
        program, *arguments, name = task.argv
        if program not in ("groupadd", "useradd", "usermod"):
            return super().run(task)
        given = dict(pairwise(arguments))
        if program == "groupadd":
            self.groups[name] = GroupEntry(int(given["--gid"]))
        elif program == "usermod":
            added = tuple(given["--groups"].split(","))
            self.users[name] = self.users[name]._replace(groups=self.users[name].groups + added)
        else:
            self._add(name, given, "--user-group" in arguments)
        return Completed(" ".join(task.argv), 0, "", "")

    def _add(self, name: str, given: dict[str, str], own_group: bool) -> None:
        uid = int(given.get("--uid", 0)) or self._free({user.number for user in self.users.values()})
        if own_group:
            assert name not in self.groups, "useradd fails"
            self.groups[name] = GroupEntry(self._free({group.number for group in self.groups.values()}))
        wanted = name if own_group else given["--gid"]
        gid = int(wanted) if wanted.isdigit() else self.groups[wanted].number
        groups = tuple(group for group in given.get("--groups", "").split(",") if group)
        comment = given.get("--comment", "")
        self.users[name] = UserEntry(uid, gid, given["--home-dir"], given["--shell"], comment, groups)

    @staticmethod
    def _free(taken: set[int]) -> int:
        return next(number for number in range(999, 100, -1) if number not in taken)

    def number(self, name: str) -> tuple[int, int]:
        return self.users[name].number, self.users[name].group


class Fleet:
    """One machine after another; the disk goes from each to the next."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._nodes: list[Node] = []
        self.machine = Machine()
        monkeypatch.setattr(unit_watch, "_SETTLE", 0.0)
        monkeypatch.setattr(account_numbers, "present", self._present)
        monkeypatch.setattr(accounts, "exists", lambda name: name in self.machine.users)
        monkeypatch.setattr(accounts, "shape_of", lambda name: self.machine.users[name][2:4])
        monkeypatch.setattr(account_numbers, "shape", self._shape)
        monkeypatch.setattr(accounts, "groups_of", lambda name: set(self.machine.users[name].groups))

    def _present(self) -> Accounts:
        return Accounts(dict(self.machine.users), dict(self.machine.groups))

    def _shape(self, work: Work, name: str, home: str, shell: str) -> None:
        self.machine.users[name] = self.machine.users[name]._replace(home=home, shell=shell)

    def make(self, **base: int) -> Node:
        """Make a machine, whose base image may give its accounts other numbers."""
        node = Node(self._folder / f"machine-{len(self._nodes)}")
        node.systemd = self.machine = Machine(**base)
        node.path(DISK).parent.mkdir(parents=True)
        if self._nodes:
            self._nodes[-1].path(DISK).rename(node.path(DISK))
        else:
            node.path(DISK).mkdir()
        self._nodes.append(node)
        return node


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(tmp_path, monkeypatch)


def with_users(*names: str, **given: dict[str, object]) -> dict[str, object]:
    users: dict[str, object] = {name: {} for name in names} | given
    return document(disk=DISK, web={"users": users})


def test_a_user_more_before_the_others_takes_nobodys_number(fleet: Fleet) -> None:
    fleet.make().accept(with_users("alice", "bob"))
    before = {name: fleet.machine.number(name) for name in ("alice", "bob")}
    node = fleet.make()
    node.accept(with_users("aaron", "alice", "bob"))
    assert {name: fleet.machine.number(name) for name in ("alice", "bob")} == before
    assert fleet.machine.number("aaron") not in before.values()
    assert node.pending(with_users("aaron", "alice", "bob")) == []


def test_what_packages_and_scripts_have_made_is_remembered_with_all_that_it_is(fleet: Fleet) -> None:
    node = fleet.make()
    fleet.machine.users["postgres"] = UserEntry(
        107, 112, "/var/lib/postgresql", "/bin/bash", "administrator", ("alice",)
    )
    fleet.machine.groups["postgres"] = GroupEntry(112)
    node.accept(with_users("alice"))
    postgres = fleet.machine.users["postgres"]
    fleet.make().accept(with_users("alice"))
    assert fleet.machine.users["postgres"] == postgres
    assert fleet.machine.groups["postgres"] == GroupEntry(112)


def test_a_disk_s_record_is_root_s_alone(fleet: Fleet) -> None:
    node = fleet.make()
    node.accept(with_users("alice"))
    record = node.path(f"{DISK}/.soop-accounts")
    assert record.stat().st_mode & 0o777 == 0o600
    assert "alice" in json.loads(record.read_text())["users"]
    record.chmod(0o644)
    event = fleet.make().apply(with_users("alice"))
    assert "/srv/disk/.soop-accounts was not written by root" in event["message"]
    assert "alice" not in fleet.machine.users


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"users": {"a": {"number": "1"}}, "groups": {}}'])
def test_a_damaged_record_is_reported_before_anything_is_changed(fleet: Fleet, content: str) -> None:
    node = fleet.make()
    record = node.path(f"{DISK}/.soop-accounts")
    record.write_text(content)
    record.chmod(0o600)
    event = node.apply(with_users("alice"))
    assert "/srv/disk/.soop-accounts is damaged" in event["message"]
    assert "alice" not in fleet.machine.users


def test_a_number_that_the_base_image_gave_away_is_reported_only_where_files_have_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.make().accept(with_users("alice"))
    node = fleet.make(newcomer=999)
    monkeypatch.setattr(account_numbers, "_owned", lambda work, kind, number: "/srv/disk/letters")
    event = node.apply(with_users("alice"))
    assert "alice has the number 999 on the disk, where /srv/disk/letters belongs to it" in event["message"]
    assert "and here it is the number of newcomer" in event["message"]
    monkeypatch.setattr(account_numbers, "_owned", lambda work, kind, number: None)
    node.accept(with_users("alice"))
    assert fleet.machine.number("alice") == (998, 998)


def test_numbers_can_be_given(fleet: Fleet) -> None:
    fleet.make().accept(with_users("bob", alice={"uid": 4242}, carol={"uid": 4300, "gid": 4400}, dave={"gid": 4500}))
    assert fleet.machine.number("alice") == (4242, 4242)
    assert fleet.machine.number("carol") == (4300, 4400)
    assert fleet.machine.number("dave")[1] == 4500


def test_a_number_that_cannot_be_had_is_reported_before_anything_is_changed(fleet: Fleet) -> None:
    node = fleet.make()
    node.accept(with_users("alice", "bob"))
    event = node.apply(with_users("alice", bob={"uid": 4242}))
    assert "the plan gives bob the number 4242, and here 998; an account keeps its number" in event["message"]
    event = node.apply(with_users("alice", "bob", carol={"uid": 999}))
    assert "the plan gives carol the number 999, and here it is the number of alice" in event["message"]
    assert "carol" not in fleet.machine.users


def test_a_user_whose_group_is_there_joins_it(fleet: Fleet) -> None:
    node = fleet.make()
    fleet.machine.groups["web"] = GroupEntry(150)
    node.accept(with_users("web"))
    assert fleet.machine.number("web") == (999, 150)


def test_a_unit_that_depends_on_the_users_is_restarted(fleet: Fleet) -> None:
    def wanted(*names: str) -> dict[str, object]:
        unit = {"content": "", "restart_on": ["/etc/passwd"]}
        users = {name: {"groups": ["messagebus"]} for name in names}
        return document(first={"units": {"app.service": unit}}, second={"users": users})

    node = fleet.make()
    node.accept(wanted("alice"))
    node.accept(wanted("alice", "bob"))
    assert node.systemd.commands == ["restart app.service"]
    assert node.apply(wanted("alice", "bob"))["changes"] == []


def test_home_and_shell_are_those_of_the_plan_and_units_that_run_as_the_user_restart(fleet: Fleet) -> None:
    def wanted(**shape: object) -> dict[str, object]:
        units = {f"{name}.service": {"content": f"[Service]\nUser={name}\n"} for name in ("alice", "bob")}
        return document(web={"users": {"alice": shape, "bob": {}}, "units": units})

    node = fleet.make()
    node.accept(wanted(home="/srv"))
    for shape in ({"home": "/var"}, {"home": "/var", "shell": "/bin/sh"}, {}):
        node.systemd.commands.clear()
        node.accept(wanted(**shape))
        expected = {"home": "/nonexistent", "shell": "/usr/sbin/nologin"} | shape
        assert fleet.machine.users["alice"][2:4] == (expected["home"], expected["shell"])
        assert node.systemd.commands == ["restart alice.service"]
        assert node.pending(wanted(**shape)) == []
    fleet.machine.users["alice"] = fleet.machine.users["alice"]._replace(shell="/bin/bash")
    assert node.drift() == ["user alice: its shell is /bin/bash, not /usr/sbin/nologin"]


def test_of_a_user_that_a_package_made_only_what_the_plan_says_changes(fleet: Fleet) -> None:
    node = fleet.make()
    node.accept(with_users(messagebus={"groups": ["messagebus"]}))
    assert fleet.machine.users["messagebus"][2:4] == ("/", "/bin/false")
    node.accept(with_users(messagebus={"shell": "/bin/sh"}))
    assert fleet.machine.users["messagebus"][2:4] == ("/", "/bin/sh")


@pytest.mark.parametrize("after", [with_users("messagebus"), with_users("alice")])
def test_a_user_that_somebody_else_made_becomes_what_it_was(fleet: Fleet, after: dict[str, object]) -> None:
    node = fleet.make()
    before = fleet.machine.users["messagebus"][2:4]
    for shape in ({"shell": "/bin/sh"}, {"shell": "/bin/bash", "home": "/srv"}, {"home": "/var"}):
        node.accept(with_users(messagebus=shape))
        assert fleet.machine.users["messagebus"][2:4] == (shape.get("home", before[0]), shape.get("shell", before[1]))
        assert node.drift() == []
    node.accept(after)
    assert fleet.machine.users["messagebus"][2:4] == before
    assert node.pending(after) == []
    fleet.machine.users["messagebus"] = fleet.machine.users["messagebus"]._replace(home="/elsewhere")
    node.accept(after)
    assert fleet.machine.users["messagebus"].home == "/elsewhere"


def test_other_lines_stay_when_a_user_s_home_changes(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.path("/var/lib/soop").mkdir()
    path = node.path("/etc/passwd")
    path.write_bytes(b"root:x:0:0:r\xe9:/root:/bin/bash\nweb:x:999:999::/srv:/bin/sh\nweb2:x:1:1::/:/bin/sh\n")
    work = Work(node.host, parse(document()), node.events, {})
    account_numbers.shape(work, "web", "/var", "/bin/false")
    assert path.read_bytes() == (
        b"root:x:0:0:r\xe9:/root:/bin/bash\nweb:x:999:999::/var:/bin/false\nweb2:x:1:1::/:/bin/sh\n"
    )
    with pytest.raises(Failure, match="without colons and line breaks"):
        account_numbers.shape(work, "web", "/var\nroot2:x:0:0::/:", "/bin/false")
