"""The ordinary life of a node: made, left alone, changed, changed by hand, cleared."""

from __future__ import annotations

import json

from soop_components.runner.failure import OUT_OF_MEMORY
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
    assert node.status().healthy is False
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


WORKER = "[Service]\nEnvironment=A={}\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
JOB = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo ran >> /tmp/ran'\n"
LONG_JOB = "[Service]\nType=oneshot\nExecStart=/bin/sleep infinity\n"


def test_templates_and_jobs(node: RunnerNode) -> None:
    def wanted(version: str) -> dict[str, object]:
        files = {"/etc/systemd/system/aside.service": {"content": WORKER.format(version)}}
        units = {
            "all.target": {"content": "[Unit]\nWants=aside.service worker@3.service\n"},
            "worker@.service": {"content": WORKER.format(version)},
            "worker@1.service": {},
            "job.service": {"content": JOB},
            "backup.service": {"content": LONG_JOB, "state": "unmanaged"},
        }
        return document(version, web={"files": files, "units": units, "command_health": {"command": ["/bin/true"]}})

    node.accept(wanted("1.0.0"))
    node.run("systemctl start --no-block backup.service; systemctl start worker@2.service")
    names = ["worker@1.service", "worker@2.service", "worker@3.service", "aside.service", "backup.service"]
    before = node.pids(*names)
    node.accept(wanted("2.0.0"))
    after = node.pids(*names)
    assert [name for name in names if after[name] != before[name]] == names[:-1]
    assert "A=2.0.0" in node.run("tr '\\0' ' ' < /proc/$(systemctl show -p MainPID --value worker@1)/environ")
    assert node.run("cat /tmp/ran") == "ran", "once, though systemd has forgotten it"
    assert node.is_as_accepted()
    assert node.apply(wanted("2.0.0")).changes == []
    node.accept(document("3.0.0"))
    assert node.pids("backup.service") == {"backup.service": before["backup.service"]}
    node.run("systemctl stop backup.service aside.service 'worker@*.service'")


ENDS = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'sleep 2; echo lost it'\nRestart=always\n"


def test_a_program_that_ends_every_few_seconds(node: RunnerNode) -> None:
    units = {"app.service": {"content": ENDS}}
    said = node.apply(document(web={"units": units}))
    assert said["message"] == "app.service: ended and was started again 3 times, expected it to stay up"
    assert "lost it" in said["stderr_tail"]
    node.accept(document(web={"units": units, "command_health": {"command": ["/bin/true"]}}))
    node.wait_for("test $(systemctl show -p NRestarts --value app.service) -ge 3")
    assert node.drift()[0].startswith("unit app.service: ended and was started again")
    assert not node.status().healthy


STARTS = """\
[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'echo >> /tmp/begun; while test -e /tmp/hold; do sleep 0.1; done; systemd-notify --ready; sleep 99'
"""


def test_a_unit_that_is_still_starting_is_waited_for(node: RunnerNode) -> None:
    wanted = document(web={"units": {"app.service": {"content": STARTS}}})
    node.accept(wanted)
    node.run("touch /tmp/hold; rm /tmp/begun; systemctl restart --no-block app")
    node.run("setsid sh -c 'sleep 2; rm /tmp/hold' >/dev/null 2>&1 &")
    assert node.drift() == ["unit app.service: not active (activating (start))"]
    node.accept(wanted)
    assert node.run("wc -l < /tmp/begun") == "1"
    assert node.is_as_accepted()


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


def test_a_script_that_takes_more_memory_than_there_is_was_killed_for_it(serving: RunnerNode) -> None:
    hog = {"name": "hog", "content": "#!/usr/bin/python3\nx = b'x' * (2 << 30)\n"}
    said = serving.apply(web("2.0.0", scripts=[hog]))
    assert OUT_OF_MEMORY in said["message"], said
    assert said["rolled_back"] is True
    assert serving.is_as_accepted()
