"""The end of what a service said, as it is shown when a check fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from soop_components.runner import logs
from soop_components.runner.document import parse
from soop_components.runner.events import Events
from soop_components.runner.page_text import page_text
from soop_components.runner.protocol import Logged
from tests.unit.runner.node import Node, document

LOG = "/var/log/app.log"
UNIT = {"app.service": {"state": "started", "enabled": False}}


@pytest.fixture
def serving(node: Node) -> Node:
    """A node with a service that has a log file."""
    node.path("/var/log").mkdir(parents=True, exist_ok=True)
    node.systemd.units["app.service"] = {"ActiveState": "active", "SubState": "running"}
    node.accept(document(web={"units": UNIT, "logs": [LOG]}))
    return node


def test_the_journal_and_then_the_end_of_each_log_file(serving: Node) -> None:
    serving.path(LOG).write_text("".join(f"line {number}\n" for number in range(100_000)))
    said = logs.end_of_all(serving.host).splitlines()
    assert said[:3] == ["what the unit said", f"{LOG}:", "line 99980"]
    assert said[-1] == "line 99999"
    assert len(said) == 22


def test_of_a_pattern_the_files_that_were_written_last(node: Node) -> None:
    node.path("/var/log/[a]").mkdir(parents=True)
    for second, name in enumerate(["old.log", "error.log", "access.log", "other.txt"]):
        node.path(f"/var/log/[a]/{name}").write_text(f"of {name}\n")
        os.utime(node.path(f"/var/log/[a]/{name}"), (second, second))
    node.path("/var/log/[a]/gone.log").symlink_to("/etc/shadow")
    os.utime(node.path("/var/log/[a]/gone.log"), (0, 0), follow_symlinks=False)
    (web,) = parse(document(web={"logs": ["/var/log/[a]/*.log", "/var/log/[a]/error.log", "/none/*"]})).components
    found = ["/var/log/[a]/error.log:", "of error.log", "/var/log/[a]/access.log:", "of access.log"]
    assert logs.end_of(node.host, [web]).splitlines() == found


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["none", "pipe", "folder", "link", "empty"])
def test_what_is_no_log_file_is_left_out(serving: Node, kind: str) -> None:
    path = serving.path(LOG)
    secret = serving.path("/etc/shadow")
    secret.write_text("root:s3cret\n")
    make = {
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "link": lambda: path.symlink_to(secret),
        "empty": path.touch,
    }
    make.get(kind, lambda: None)()
    said = logs.end_of_all(serving.host)
    assert said.startswith("what the unit said")
    assert "s3cret" not in said


def test_a_node_on_which_nothing_was_begun_has_said_nothing(node: Node) -> None:
    assert logs.end_of_all(node.host) == ""


def test_secrets_are_not_shown(serving: Node) -> None:
    serving.path(LOG).write_text("connecting with s3cret\n")
    said: list[str] = []
    events = Events(said.append)
    events.hide(["s3cret"])
    events.write(Logged(logs.end_of_all(serving.host)))
    assert "connecting with [secret]" in said[0]


def test_a_health_check_that_fails_shows_what_was_logged_since_the_apply_began(node: Node, tmp_path: Path) -> None:
    old, new = "/var/log/old.log", "/var/log/new.log"
    node.path("/var/log").mkdir(parents=True, exist_ok=True)
    node.path(old).write_text("of yesterday\n")
    os.utime(node.path(old), (1, 1))
    check = {"command": ["/bin/sh", "-c", f"echo no database > {node.path(new)}; exit 1"], "timeout": 1}
    event = node.apply(document(web={"command_health": check, "logs": [old, new]}))
    assert event["stderr_tail"] == f"{new}:\nno database"


PAGE = """<!DOCTYPE HTML>
<html><head><title>500 Internal Server Error</title><style>p { color: red }</style>
<script>if (1 < 2) { document.write("<p>no</p>") }</script></head>
<body><h1>Oh &amp; no</h1><p>contact\n<a href="mailto:x">us</a></p></body></html>"""


def test_a_page_is_shown_as_its_text() -> None:
    assert page_text(PAGE) == "500 Internal Server Error Oh & no contact us"
    assert page_text(' {"a": "<b>"}\n') == '{"a": "<b>"}'
    assert page_text("<html>") == "<html>"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("hostile", ["<" * 500_000, "<script>" * 100_000, "<a" * 300_000, "&" * 500_000])
def test_a_hostile_page_takes_no_time(hostile: str) -> None:
    assert len(page_text(f"<html>{hostile}")) <= len(hostile) + 6
