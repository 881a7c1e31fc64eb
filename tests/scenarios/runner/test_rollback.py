"""What goes wrong in an apply: reported so that a stranger can act on it, and rolled back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.scenarios.runner.node import RunnerNode, Said
from tests.scenarios.runner.packages import deb, plans
from tests.scenarios.runner.service import BLOB, UNIT, web

MIGRATE = {"name": "migrate", "content": '#!/bin/sh\necho begun\necho "no table x" >&2\nexit 3\n', "user": "app"}


def fails(node: RunnerNode, wanted: dict[str, Any]) -> Said:
    """Apply what fails, and see that the node runs its accepted version again."""
    said = node.apply(wanted)
    assert said["event"] == "failure"
    assert said["rolled_back"] is True, said
    assert node.is_as_accepted(), node.status()
    assert node.run("cat /etc/app/text") == "version 1.0.0"
    return said


def test_a_script_that_fails(serving: RunnerNode) -> None:
    said = fails(serving, web("2.0.0", scripts=[MIGRATE]))
    assert (said["step"], said["component"], said["command"], said["exit_code"]) == ("scripts", "web", "migrate", 3)
    assert said["stderr_tail"] == "no table x"


def test_a_script_that_never_ends_is_killed_with_all_it_started(serving: RunnerNode) -> None:
    content = "#!/bin/sh\nsetsid sleep 4711 &\nsleep 4712\n"
    said = fails(serving, web("2.0.0", scripts=[{"name": "slow", "content": content, "timeout": 1}]))
    assert said["message"] == "script slow took more than 1 seconds"
    assert serving.run("pgrep -af 'sleep 471'") == ""


def test_a_service_that_never_gets_healthy(serving: RunnerNode) -> None:
    said = fails(serving, web("2.0.0", "broken: no database", http_health={"timeout": 2}))
    assert said["step"] == "health"
    assert said["message"].endswith(
        "a status below 400 within 2 seconds, also after a restart, got status 500: broken: no database"
    )


def test_a_program_that_ends_at_once_shows_its_journal(serving: RunnerNode) -> None:
    unit = UNIT.replace("/usr/bin/python3 /opt/app/serve.py", "/bin/sh -c 'echo port 8080 is taken >&2; exit 1'")
    said = fails(serving, web("2.0.0", units={"app.service": {"content": unit}}, http_health=None))
    assert said["step"] == "units"
    assert said["message"].startswith("app.service: ")
    assert "port 8080 is taken" in said["stderr_tail"]


def test_a_unit_that_fails_for_good_is_not_waited_for(serving: RunnerNode) -> None:
    unit = "[Service]\nExecStart=/opt/app/none\n"
    said = fails(serving, web("2.0.0", units={"app.service": {"content": unit}}, http_health={"timeout": 600}))
    assert (said["step"], said["component"]) == ("health", "web")
    assert said["message"].endswith("expected a status below 400, but app.service failed")
    assert "Failed to locate executable /opt/app/none" in said["stderr_tail"]


def test_a_unit_that_systemd_cannot_read(serving: RunnerNode) -> None:
    said = fails(serving, web("2.0.0", units={"app.service": {"content": "[Service]\nExecStart=./relative\n"}}))
    assert (said["step"], said["exit_code"]) == ("units", 1)
    assert "bad unit file setting" in said["stderr_tail"]


def test_a_full_disk_names_the_file(serving: RunnerNode) -> None:
    serving.run("mkdir /opt/large; mount -t tmpfs -o size=64k tmpfs /opt/large")
    said = fails(serving, web("2.0.0", files={"/opt/large/data": {"content": "x" * 100_000}}))
    assert (said["step"], said["component"]) == ("files", "web")
    assert said["message"] == "/opt/large/data: No space left on device (the node's disk is full)"
    assert serving.run("ls -A /opt/large; umount /opt/large") == ""


def test_a_read_only_disk_names_the_file(serving: RunnerNode) -> None:
    serving.run("mkdir /opt/fixed; mount -t tmpfs -o ro tmpfs /opt/fixed")
    said = fails(serving, web("2.0.0", files={"/opt/fixed/data": {"content": "x"}}))
    assert said["message"] == "/opt/fixed/data: Read-only file system (the node's disk is read-only)"
    serving.run("umount /opt/fixed")


def test_a_package_that_does_not_fit_is_rolled_back(serving: RunnerNode, tmp_path: Path) -> None:
    large = deb(tmp_path, "large", "1.0", {"/opt/large/data": b"x" * 200_000})
    small = deb(tmp_path, "small", "1.0")
    serving.send(large.content, small.content)
    serving.run("mkdir /opt/large; mount -t tmpfs -o size=64k tmpfs /opt/large")
    said = fails(serving, web("2.0.0", packages=plans(large, small)))
    assert said["step"] == "packages"
    assert said["command"] == "dpkg --install (2 packages)"
    assert "No space left on device (the node's disk is full)" in said["message"]
    assert (
        serving.run("dpkg-query -W -f '${db:Status-Abbrev}' large small 2>/dev/null | tr -d 'nu '; umount /opt/large")
        == ""
    )


def test_a_full_disk_can_be_rolled_back(serving: RunnerNode) -> None:
    serving.run("cp -a /var/lib/soop /tmp/kept; mount -t tmpfs -o size=48m,mode=711 tmpfs /var/lib/soop")
    serving.run("cp -a /tmp/kept/. /var/lib/soop; head -c 4M /dev/zero > /var/lib/soop/reserve")
    assert serving.run("stat -f -c %T /var/lib/soop") == "tmpfs"
    fill = {"name": "fill", "content": "#!/bin/sh\nhead -c 60M /dev/zero > /var/lib/soop/zero\n"}
    said = fails(serving, web("2.0.0", scripts=[fill]))
    assert "No space left on device" in said["stderr_tail"]
    assert serving.run("ls /var/lib/soop/reserve 2>/dev/null") == "", "it was freed for the rollback"
    serving.run(
        "rm /var/lib/soop/zero; cp -a /var/lib/soop/. /tmp/kept; umount /var/lib/soop; cp -a /tmp/kept/. /var/lib/soop"
    )


def test_the_first_version_cannot_be_rolled_back(node: RunnerNode) -> None:
    node.send(BLOB)
    said = node.apply(web(scripts=[MIGRATE]))
    assert (said["event"], said["rolled_back"]) == ("failure", False)
    found = node.status()
    assert (found.running, found.healthy) == (None, False)
    assert "access-service-1.0.0 was begun and not finished" in node.drift()
    assert node.accept(web()).succeeded
    assert node.is_as_accepted()


def test_a_rollback_that_is_asked_for(serving: RunnerNode) -> None:
    assert serving.apply(web("2.0.0")).succeeded
    assert serving.status().accepted is False
    assert serving.roll_back().changes == ["write file /etc/app/text"]
    assert serving.is_as_accepted()
