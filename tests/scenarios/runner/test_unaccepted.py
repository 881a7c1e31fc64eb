"""A deployer falls silent between an apply and its acceptance: the node rolls itself back, also after a reboot."""

from __future__ import annotations

from soop_components.runner.protocol import UNACCEPTED_TIMER
from tests.scenarios.ground import Ground
from tests.scenarios.runner.node import RunnerNode
from tests.scenarios.runner.service import BLOB, web

SECRET = {"/etc/app/token": {"content": "@@soop-secret:token@@\n", "mode": "0600", "secret": True}}
ONE, TWO = web(files=SECRET), web("2.0.0", files=SECRET)
OLD, NEW = {"token": "old-secret"}, {"token": "new-secret"}


def upgrade(node: RunnerNode, within: int) -> None:
    """Apply another version with another secret, which nobody accepts."""
    node.send(BLOB)
    node.accept(ONE, secrets=OLD)
    said = node.apply(TWO, secrets=NEW, previous_secrets=OLD, accept_within=within)
    assert said.succeeded, said


def texts(node: RunnerNode) -> str:
    return node.run("cat /etc/app/text; echo; cat /etc/app/token")


def is_armed(node: RunnerNode) -> bool:
    return node.run(f"systemctl is-active {UNACCEPTED_TIMER}") == "active"


def crash(node: RunnerNode, ground: Ground) -> None:
    ground.crash(node.facts)
    node.start_again()


def test_it_is_rolled_back_with_the_secrets_of_before(node: RunnerNode) -> None:
    upgrade(node, within=1)
    node.wait_for("grep -q version.1 /etc/app/text && test ! -e /var/lib/soop/unaccepted.json")
    node.wait_for("test ! -e /run/soop/apply.json")
    assert texts(node) == "version 1.0.0\nold-secret"
    assert node.is_as_accepted()
    found = node.status().own_rollback
    assert found is not None
    assert (found.reference, found.within, found.failure) == ("access-service-2.0.0", 1, None)
    journal = "journalctl --no-pager --output=cat --unit=soop-unaccepted.service"
    node.wait_for(f'journalctl --sync; {journal} | grep -q \'"event": "result"\'')  # said after the rollback
    said = node.run(journal)
    assert "old-secret" not in said
    assert node.run("find /etc/systemd -name '*soop-unaccepted*'") == ""


def test_a_reboot_changes_nothing(node: RunnerNode, runner_ground: Ground) -> None:
    upgrade(node, within=600)
    assert node.run("stat -c '%a %U' /var/lib/soop/unaccepted.json") == "600 root"
    crash(node, runner_ground)
    assert is_armed(node)
    assert texts(node) == "version 2.0.0\nnew-secret"
    assert node.status().rolls_back_within == 600
    node.run("systemctl start soop-unaccepted.service")  # as the timer does ten minutes later
    assert texts(node) == "version 1.0.0\nold-secret"
    assert node.is_as_accepted()
    assert not is_armed(node)
    upgrade(node, within=600)
    assert node.call("accept", {"plan_digest": TWO["plan_digest"]}).succeeded
    crash(node, runner_ground)
    assert not is_armed(node)
    node.run("systemctl start soop-unaccepted.service 2>/dev/null")
    assert texts(node) == "version 2.0.0\nnew-secret"
    assert node.is_as_accepted()
