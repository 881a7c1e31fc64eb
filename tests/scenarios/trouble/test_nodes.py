"""Nodes that die, do not answer or were changed by hand: seen, reported, and repaired by the next run."""

from __future__ import annotations

from tests.scenarios.ground import as_root
from tests.scenarios.trouble.beacon import UP, Beacon
from tests.scenarios.trouble.realm import Realm


def test_a_machine_killed_during_an_apply(beacon: Beacon) -> None:
    untouched = beacon.says()[1]
    beacon.hold()
    beacon.define(says="on the second attempt", trouble="slow-script")
    run = beacon.begin().until("running script prepare")
    as_root("kill", "-KILL", str(beacon.machine()))
    ended = run.end()
    assert ended.exit_code != 0
    assert f"beacon-service-1.0.0 was not accepted: {beacon.node}: " in ended.text
    assert "does not answer" in ended.text
    assert f"could not be rolled back: {beacon.node}" in ended.text
    assert "Traceback" not in ended.text
    beacon.define(says="on the second attempt")
    assert beacon.changes() == {"update": 2}  # the machine that does not run, and the service
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert untouched["says"] != "on the second attempt"
    beacon.is_well("on the second attempt")


def test_a_node_that_does_not_answer(beacon: Beacon) -> None:
    says = beacon.says()[0]["says"]
    link(beacon, "down")
    seen = beacon.project.must("pulumi", "preview", "--stack", beacon.domain)
    assert f"{beacon.node}: " in seen
    assert "does not answer" in seen
    beacon.fails("beacon-service-1.0.0 was not accepted", beacon.node, "does not answer")
    link(beacon, "up")
    assert beacon.changes() == {}
    beacon.is_well(says)


def link(beacon: Beacon, state: str) -> None:
    """Pull the first node's network cable, or plug it in again."""
    as_root("nsenter", f"--target={beacon.machine()}", "--net", "ip", "link", "set", "eth0", state)


def test_a_file_and_a_unit_changed_by_hand(beacon: Beacon) -> None:
    first, second = beacon.says()
    beacon.sh("echo '# by hand' >> /opt/beacon-service/beacon.py; chmod 666 /etc/beacon-service/beacon.env")
    beacon.sh("rm /usr/local/lib/beacon-service/prepare")
    seen = beacon.project.must("pulumi", "preview", "--stack", beacon.domain)
    for words in ("beacon.py: content changed", "beacon.env: mode 0666", "prepare: missing"):
        assert words in seen
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert beacon.sh("stat -c %a /etc/beacon-service/beacon.env").strip() in ("600", "640")
    assert beacon.says()[1] == second
    beacon.is_well(first["says"])
    beacon.sh("systemctl disable --now beacon-service-beacon 2>/dev/null")
    assert "beacon-service-beacon.service" in beacon.project.must("pulumi", "preview", "--stack", beacon.domain)
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert beacon.says()[1] == second
    beacon.is_well(first["says"])


def test_a_service_that_hangs(beacon: Beacon) -> None:
    first, second = beacon.says()
    beacon.sh("systemctl kill --signal=STOP beacon-service-beacon")
    assert "component beacon is not healthy" in beacon.project.must("pulumi", "preview", "--stack", beacon.domain)
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert beacon.says()[1] == second
    beacon.is_well(first["says"])


def test_a_service_that_hangs_again_after_a_restart(beacon: Beacon) -> None:
    """All its units are active and nothing of ours was changed: no update may call it accepted."""
    says = beacon.says()[0]["says"]
    extra = "/run/systemd/system/beacon-service-beacon.service.d"
    beacon.sh(f"mkdir {extra}; printf '[Service]\\nExecStart=\\nExecStart=sleep infinity\\n' > {extra}/hang.conf")
    beacon.sh("systemctl daemon-reload; systemctl kill --signal=STOP beacon-service-beacon")
    check = f"http://{beacon.node}:8080/health: expected a status below 400 within 4 seconds, also after a restart"
    output = beacon.fails(f"was not accepted: {beacon.node}: {check}, got no answer")
    assert "rolled back" not in output, "there is no version to roll back to"
    beacon.sh(f"rm -r {extra}; systemctl daemon-reload")
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    beacon.is_well(says)


def test_a_machine_killed_between_runs(beacon: Beacon) -> None:
    first, second = beacon.says()
    beacon.sh("touch /var/lib/kept")
    as_root("kill", "-KILL", str(beacon.machine()))
    assert beacon.changes() == {"update": 2}
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    beacon.sh("test -e /var/lib/kept")
    assert beacon.says()[1] == second
    beacon.is_well(first["says"])


def test_a_machine_whose_replacement_is_asked_for(beacon: Beacon) -> None:
    """The engine does not ask the provider then whether the old one has to go first."""
    first, second = beacon.says()
    beacon.sh("touch /var/lib/gone")
    (machine,) = (each["urn"] for each in beacon.resources() if each["urn"].endswith(f":Machine::{beacon.node}"))
    beacon.project.must(*UP, "--replace", machine, "--stack", beacon.domain)
    beacon.sh("test ! -e /var/lib/gone")
    assert beacon.says()[1] == second
    beacon.is_well(first["says"])


def test_a_node_gets_a_new_machine_in_its_turn(beacon: Beacon) -> None:
    first, second = beacon.says()
    beacon.sh("touch /var/lib/gone")
    before = beacon.machine()
    shown = beacon.project.must("soop", "replace", "--preview", beacon.node)
    assert "web-1: gets a new machine, and is configured anew; base image debian-12\n" in shown
    assert (beacon.machine(), beacon.changes()) == (before, {})
    said = beacon.project.must("soop", "replace", "--yes", beacon.node)
    steps = ("hook drain", "making its machine anew from debian-12", "running script prepare", "hook undrain")
    assert [said.index(step) for step in steps] == sorted(said.index(step) for step in steps)
    beacon.sh("test ! -e /var/lib/gone")
    assert beacon.says()[1] == second
    beacon.is_well(first["says"])


def test_a_node_that_is_gone_gets_a_new_machine(beacon: Beacon) -> None:
    first, second = beacon.says()
    link(beacon, "down")
    beacon.project.must("soop", "replace", "--yes", beacon.node)
    assert beacon.says()[1] == second
    beacon.is_well(first["says"])


def test_a_host_that_was_rebooted(domains: tuple[Beacon, Beacon]) -> None:
    one, _ = domains
    before = [beacon.says()[0]["says"] for beacon in domains]
    one.sh("touch /var/lib/kept-over-reboot")
    Realm(one.project).reboot_host()
    for beacon, says in zip(domains, before, strict=True):
        ended = beacon.up()
        assert ended.exit_code == 0, ended.text
        beacon.is_well(says)
    one.sh("test -e /var/lib/kept-over-reboot")
