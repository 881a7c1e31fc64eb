"""A secret is where its plan puts it, and nowhere else on the node."""

from __future__ import annotations

from tests.scenarios.runner.node import RunnerNode
from tests.scenarios.runner.service import BLOB, web

SECRET = "marker-s3cret/%&'x"
CONTENT = """\
PORT=8080
DATABASE_URL="postgresql://app:@@soop-secret:password|url@@@db/app"
PLAIN="@@soop-secret:password|systemd@@"
"""
PRINT = {"name": "print", "content": "#!/bin/sh\ncat\ncat /etc/app/env >&2\n", "stdin": "@@soop-secret:password|sql@@"}


def test_secrets_are_found_nowhere_else(node: RunnerNode) -> None:
    node.send(BLOB)
    wanted = web(files={"/etc/app/env": {"content": CONTENT}}, scripts=[PRINT])
    said = node.accept(wanted, secrets={"password": SECRET})
    assert "marker-s3cret" in node.run("cat /etc/app/env")
    assert node.run("stat -c %a /etc/app/env") == "640"
    failing = {**PRINT, "content": PRINT["content"] + "exit 1\n"}
    failed = node.apply(
        web("2.0.0", files={"/etc/app/env": {"content": CONTENT}}, scripts=[failing]), secrets={"password": SECRET}
    )
    assert failed["rolled_back"] is True
    assert failed["stderr_tail"].splitlines() == [
        "PORT=8080",
        'DATABASE_URL="postgresql://app:[secret]@db/app"',
        'PLAIN="[secret]"',
    ]
    assert "marker" not in f"{said}{failed}"
    holders = node.run("grep -rlsI marker-s3cret / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev")
    assert holders == "/etc/app/env"
    assert node.run("journalctl --no-pager --quiet | grep -c marker") == "0"
    assert node.run("systemctl show '*' | grep -c marker") == "0"
    assert node.run("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -ac marker-[s]3cret") == "0"


def test_a_new_secret_reaches_what_reads_it(node: RunnerNode) -> None:
    node.send(BLOB)
    wanted = web(files={"/etc/app/env": {"content": CONTENT}})
    node.accept(wanted, secrets={"password": "one"})
    before = node.pids("app.service")
    assert node.pending(wanted, {"password": "two"}) == ["write file /etc/app/env"]
    node.accept(wanted, secrets={"password": "two"})
    assert node.pids("app.service") != before
    assert 'PLAIN="two"' in node.run("cat /etc/app/env")
