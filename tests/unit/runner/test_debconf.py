"""Answers for debconf, of which the programs and the database are real; only packages are configured in play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soop_components.runner.commands import Completed, Programs, Task
from soop_components.runner.debconf import Answers, to_configure_anew
from soop_components.runner.document import parse
from soop_components.runner.failure import Failure
from soop_components.runner.packages import Packages
from soop_components.runner.work import Work
from tests.unit.runner.node import Node, change_in_words, document
from tests.unit.runner.real_dpkg import Dpkg

DATABASES = """\
Config: stack
Templates: templates

Name: config
Driver: File
Reject-Type: password
Filename: {folder}/config

Name: passwords
Driver: File
Mode: 600
Accept-Type: password
Filename: {folder}/passwords

Name: stack
Driver: Stack
Stack: config, passwords

Name: templates
Driver: File
Filename: {folder}/templates
"""


class Debconf(Dpkg):
    """Runs debconf with databases of its own."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.folder = root / "debconf"
        self.folder.mkdir()
        self.settings = self.folder / "settings"
        self.settings.write_text(DATABASES.format(folder=self.folder))
        self.configured: list[str] = []

    def run(self, task: Task) -> Completed:
        if task.argv[0] == "dpkg-reconfigure":
            self.configured += task.argv[2:]
            return Completed("dpkg-reconfigure", 0, "", "")
        if not task.argv[0].startswith("debconf-"):
            return super().run(task)
        return Programs().run(task._replace(environment={**task.environment, "DEBCONF_SYSTEMRC": str(self.settings)}))

    def answers(self, name: str = "config") -> dict[str, str]:
        """Return what debconf knows, by question."""
        path = self.folder / name
        stanzas = path.read_text().split("\n\n") if path.exists() else []
        fields = [dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line) for stanza in stanzas]
        return {each["Name"]: each.get("Value", "") for each in fields if each}


@pytest.fixture
def debconf(node: Node) -> Debconf:
    node.systemd = found = Debconf(node.root)
    (node.root / "var/lib/dpkg/status").write_text(
        "Package: asker\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n\n"
    )
    info = node.root / "var/lib/dpkg/info/asker.templates"
    info.write_text("Template: asker/colour\nType: string\nDescription: x\n\nTemplate: asker/loud\nType: boolean\n")
    return found


def given(node: Node, answers: dict[str, str], secrets: dict[str, str] | None = None) -> list[str]:
    """Give debconf these answers, as an apply does before and with packages; return what that would change."""
    work = working(node, answers, secrets)
    Answers().check(work)
    pending = [change_in_words(change) for change in Answers().pending(work)]
    Answers().prepare(work)
    Packages().prepare(working(node, answers, secrets))
    assert not list(Answers().pending(working(node, answers, secrets)))
    return pending


def working(node: Node, answers: dict[str, str], secrets: dict[str, str] | None = None) -> Work:
    component: dict[str, Any] = {"debconf": answers}
    return Work(node.host, parse(document(app=component)), node.events, secrets or {})


def test_debconf_has_the_answers_and_installed_packages_are_configured_anew(node: Node, debconf: Debconf) -> None:
    answers = {"asker/colour": ' light  "blue" $x', "asker/loud": "false", "absent/question": "ü"}
    assert given(node, answers) == [f"write debconf {name}" for name in sorted(answers)]
    assert debconf.answers() == answers
    assert debconf.configured == ["asker"]
    assert given(node, answers) == []
    assert given(node, {**answers, "absent/question": "other"}) == ["write debconf absent/question"]
    assert debconf.configured == ["asker"]


def test_answers_that_are_given_no_more_are_taken_back(node: Node, debconf: Debconf) -> None:
    given(node, {"asker/colour": "blue", "absent/question": "yes"})
    assert given(node, {"asker/colour": "red"}) == ["write debconf asker/colour", "remove debconf absent/question"]
    assert debconf.answers() == {"asker/colour": "red"}
    given(node, {})
    assert debconf.answers() == {}
    assert debconf.configured == ["asker"] * 3


def test_a_secret_is_kept_as_a_password_and_its_change_is_noticed(node: Node, debconf: Debconf) -> None:
    answers = {"asker/colour": "@@soop-secret:password@@"}
    given(node, answers, {"password": "s3cret"})
    assert debconf.answers("passwords") == {"asker/colour": "s3cret"}
    assert "s3cret" not in (debconf.folder / "config").read_text()
    assert "s3cret" not in node.text("/var/lib/soop/ledger.json")
    assert given(node, answers, {"password": "other"}) == ["write debconf asker/colour"]
    assert debconf.answers("passwords") == {"asker/colour": "other"}


def test_after_a_kill_packages_are_still_configured_anew(node: Node, debconf: Debconf) -> None:
    Answers().prepare(working(node, {"asker/loud": "true"}))
    assert to_configure_anew(working(node, {"asker/loud": "true"})) == ["asker"]
    Packages().prepare(working(node, {"asker/loud": "true"}))
    assert to_configure_anew(working(node, {"asker/loud": "true"})) == []
    assert debconf.configured == ["asker"]


@pytest.mark.parametrize("secret", ["two\nlines", "ends in a backslash\\", "ends in CR\r"])
def test_a_secret_that_debconf_would_read_as_something_else_is_refused(node: Node, secret: str) -> None:
    work = working(node, {"asker/colour": "@@soop-secret:password@@"}, {"password": secret})
    with pytest.raises(Failure, match="the answer to asker/colour for debconf: expected one line") as raised:
        Answers().check(work)
    assert secret not in str(raised.value)


@pytest.mark.parametrize("question", ["no slash", "a/b c", "a/b\n-x", "/a/b", "a"])
def test_what_is_no_question_is_refused(node: Node, question: str) -> None:
    with pytest.raises(Failure, match="is not a question of debconf"):
        working(node, {question: "x"})
