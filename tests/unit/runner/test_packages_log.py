"""What scripts of packages said is kept, and shown when what comes after them fails."""

from __future__ import annotations

import time

import pytest

from soop_components.runner import logs, packages_log
from soop_components.runner.apply import _with_words_of_packages
from soop_components.runner.commands import Completed
from soop_components.runner.document import parse
from soop_components.runner.protocol import Failed
from soop_components.runner.work import Work
from tests.unit.runner.node import Node, document

SAID = """\
Selecting previously unselected package app.
(Reading database ... 11112 files and directories currently installed.)
Preparing to unpack .../app_1.0.deb ...
Unpacking app (1.0) ...
Setting up app (1.0) ...
dbconfig-common: database does not answer, ignored
"""
COMMAND = Completed("dpkg --install app_1.0.deb", 0, SAID, "W: no locale\n")


@pytest.fixture
def work(node: Node) -> Work:
    node.host.prepare()
    return Work(node.host, parse(document()), node.events, {})


def test_it_is_shown_after_a_change_of_packages_only(node: Node, work: Work) -> None:
    packages_log.append(node.host, COMMAND)
    failed = Failed("health", "not healthy", stderr_tail="what the unit said")
    assert _with_words_of_packages(work, failed) == failed
    work.changed("package", "app", "install")
    assert _with_words_of_packages(work, failed._replace(step="packages")).stderr_tail == "what the unit said"
    assert (_with_words_of_packages(work, failed).stderr_tail or "").splitlines() == [
        "what the unit said",
        "packages said (all of it is in /var/lib/soop/packages.log):",
        "dbconfig-common: database does not answer, ignored",
        "W: no locale",
    ]


def test_what_was_said_before_this_apply_is_kept_and_not_shown(node: Node, work: Work) -> None:
    packages_log.append(node.host, COMMAND)
    assert packages_log.shown(node.host, time.time() + 2) == ""
    assert node.path(packages_log.PATH).stat().st_mode & 0o777 == 0o600
    assert SAID in node.text(packages_log.PATH)


def test_it_does_not_grow_without_end(node: Node, work: Work) -> None:
    for _ in range(3):
        packages_log.append(node.host, COMMAND._replace(stdout="x" * (1 << 19)))
    packages_log.append(node.host, COMMAND)
    assert node.path(packages_log.PATH).stat().st_size <= 1 << 20
    assert "dbconfig" in packages_log.shown(node.host, work.since)


def test_it_is_shown_when_smoke_tests_fail(node: Node, work: Work) -> None:
    node.accept(document())
    assert logs.end_of_all(node.host) == ""
    packages_log.append(node.host, COMMAND)
    assert logs.end_of_all(node.host).splitlines()[1:] == [
        "dbconfig-common: database does not answer, ignored",
        "W: no locale",
    ]
