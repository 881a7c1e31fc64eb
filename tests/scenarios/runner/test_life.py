"""The ordinary life of a node: made, left alone, changed, changed by hand, cleared."""

from __future__ import annotations

import json

from tests.scenarios.runner.node import RunnerNode
from tests.scenarios.runner.service import BLOB, web
from tests.unit.runner.node import document, sha256, tar


def answer(node: RunnerNode) -> str:
    return node.run(
        "python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:8080\").read().decode())'"
    )


def test_a_service_is_brought_up_and_left_alone_afterwards(node: RunnerNode) -> None:
    wanted = web()
    assert node.call("inspect", {"document": wanted})["missing"] == [wanted["plan"]["components"]["web"]["blob"]]
    node.send(BLOB)
    node.accept(wanted)
    assert answer(node) == "version 1.0.0"
    assert node.is_as_accepted()
    assert node.run("stat -c '%a %U:%G' /var/lib/app") == "750 app:app"
    before = node.pids("app.service")
    assert node.pending(wanted) == []
    again = node.apply(wanted)
    assert (again.changes, again.progress) == ([], [])
    assert node.pids("app.service") == before


def test_only_what_depends_on_a_change_is_restarted(node: RunnerNode) -> None:
    node.send(BLOB)
    node.accept(web())
    before = node.pids("app.service")
    assert node.accept(web("1.0.1")).changes == ["write file /etc/app/text"]
    assert answer(node) == "version 1.0.1"
    assert node.pids("app.service") == before
    said = node.accept(web("1.0.2", files={"/etc/app/env": {"content": "PORT=8081\n"}}, http_health={"port": 8081}))
    assert "restart unit app.service" in said.changes
    assert node.pids("app.service") != before


def test_what_was_changed_by_hand_is_found_and_only_that_repaired(node: RunnerNode) -> None:
    node.send(BLOB)
    wanted = web(links={"/opt/app/current": {"target": "serve.py"}}, absent=["/etc/app/gone"])
    node.accept(wanted)
    node.run(
        "echo '# by hand' >> /opt/app/serve.py; chmod 666 /etc/app/text; chown app /etc/app/env; "
        "ln -sfn /dev/null /opt/app/current; touch /etc/app/gone; systemctl stop app; systemctl disable app"
    )
    assert node.measure().healthy is False
    assert node.drift() == [
        "file /etc/app/env: owner app:root, not root:root",
        "file /etc/app/text: mode 0666, not 0644",
        "file /opt/app/serve.py: content changed",
        "link /opt/app/current: points to /dev/null, not serve.py",
        "/etc/app/gone: is there and must not be",
        "unit app.service: not active (inactive (dead))",
        "unit app.service: disabled",
    ]
    repaired = node.apply(wanted)
    assert set(repaired.changes) == {
        "write file /etc/app/env",
        "write file /etc/app/text",
        "write file /opt/app/serve.py",
        "write link /opt/app/current",
        "remove absent /etc/app/gone",
        "enable unit app.service",
        "start unit app.service",
    }
    assert node.is_as_accepted()


def test_what_the_plan_no_longer_has_is_gone(node: RunnerNode) -> None:
    node.send(BLOB)
    node.accept(web())
    node.run("mkdir /opt/mine; touch /opt/mine/data")
    node.accept(document("2.0.0"))
    made = "/opt/app /etc/app /etc/systemd/system/app.service /var/lib/app"
    assert node.run(f"ls -d {made} /opt/mine/data 2>/dev/null; rm -r /opt/mine") == "/opt/mine/data"
    assert node.run("systemctl show --property=LoadState --value app.service") == "not-found"
    assert node.drift() == []


def test_names_of_the_domain_resolve(node: RunnerNode) -> None:
    hosts = {"database-1.access-service.dev-access": "192.0.2.7"}
    assert node.call("hosts", {"hosts": hosts}).succeeded
    assert node.run("getent hosts database-1.access-service.dev-access").split()[0] == "192.0.2.7"
    before = node.run("stat /etc/hosts")
    assert node.call("hosts", {"hosts": hosts}).succeeded
    assert node.run("stat /etc/hosts") == before


def test_a_smoke_test_runs_out_of_its_blob(node: RunnerNode) -> None:
    blob = tar(
        {"smoke/check.py": b'#!/usr/bin/python3\nimport os\nprint("checked", os.environ["WHO"])\nraise SystemExit(3)\n'}
    )
    node.send(blob)
    request = {"blob": sha256(blob), "source": "smoke/check.py", "environment": {"WHO": "me"}, "timeout": 10}
    said = node.call("script", request)
    assert (said["exit_code"], said["stdout_tail"]) == (3, "checked me")


def test_the_end_of_what_a_service_said_is_shown_without_its_secrets(node: RunnerNode) -> None:
    node.send(BLOB)
    node.accept(web(logs=["/var/log/app.log"]))
    node.run("echo the password is s3cret > /var/log/app.log")
    said = str(node.call("logs", {"secrets": {"password": "s3cret"}})["text"])
    assert "Started app.service" in said
    assert said.endswith("\n/var/log/app.log:\nthe password is [secret]")
    node.run("rm /var/log/app.log")


COMPARE = """
import json, subprocess, sys
sys.path.insert(0, ARCHIVE)
from soop_components.runner import bus, systemd
from soop_components.runner.host import Host
from soop_components.runner.commands import Programs
listed = subprocess.run(
    ["systemctl", "list-units", "--all", "--plain", "--no-legend"], capture_output=True, text=True, check=True
)
names = [line.split()[0] for line in listed.stdout.splitlines()] + ["none.service", "9-x@a.service"]
asked = bus.show(systemd._PROPERTIES, names, 10)
shown = systemd.show(Host("/", Programs()), systemd._PROPERTIES, names)
print(json.dumps([len(names), [[one, other] for one, other in zip(asked, shown, strict=True) if one != other]]))
"""


def test_systemd_itself_says_of_every_unit_what_systemctl_shows(node: RunnerNode) -> None:
    node.send(BLOB)
    node.accept(web())
    script = COMPARE.replace("ARCHIVE", repr(node.archive))
    number, differences = json.loads(node.run("python3 -I -", script.encode()))
    assert number > 50
    assert differences == []
