"""What was applied rolls itself back unless it is accepted: when the timer is set, and what it does when it is due."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.runner import accept as accepting
from soop_components.runner import own_rollback, transient, unaccepted
from soop_components.runner.accept import accept
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.own_rollback import roll_back
from soop_components.runner.places import Places
from soop_components.runner.protocol import UNACCEPTED_TIMER, Accept, Applied, Failed
from tests.unit.runner.node import Node, document, file, script

OLD, NEW = {"token": "old", "other": "of another role"}, {"token": "new", "other": "of another role"}
TIMER = f"/etc/systemd/system/{UNACCEPTED_TIMER}"
ENABLED = f"/etc/systemd/system/timers.target.wants/{UNACCEPTED_TIMER}"


def version(number: str, *scripts: object) -> dict[str, Any]:
    files = {"/etc/app": file(f"{number} @@soop-secret:token@@")}
    return document(number, web={"files": files, "scripts": list(scripts)})


ONE, TWO = version("1.0.0"), version("2.0.0")
BROKEN = version("2.0.0", script("check", "exit 3"))


@pytest.fixture
def node(node: Node) -> Node:
    """A node that has accepted version 1."""
    node.accept(ONE, secrets=OLD)
    return node


def apply(node: Node, wanted: dict[str, Any], within: int = 600, **more: Any) -> dict[str, Any]:
    return node.apply(wanted, **{"secrets": NEW, "previous_secrets": OLD, **more}, accept_within=within)


def is_armed(node: Node) -> bool:
    """Return whether the time runs, now and after the next boot, and see that nothing is left if it does not."""
    state = node.systemd.units.get(UNACCEPTED_TIMER, {}).get("ActiveState", "inactive")
    there = {
        node.path("/var/lib/soop/unaccepted.json").exists(),
        node.path(TIMER).exists(),
        node.path(ENABLED).exists(),
    }
    assert there == {state == "active"}
    return state == "active"


def due(node: Node) -> Applied | Failed:
    with node.host.lock() as mine:
        assert mine
        return roll_back(node.host, node.events)


def test_an_upgrade_is_rolled_back_when_it_is_due(node: Node) -> None:
    apply(node, TWO)
    assert is_armed(node)
    assert "OnActiveSec=600s" in node.text(TIMER)
    assert node.status().rolls_back_within == 600
    assert node.text("/etc/app") == "2.0.0 new"
    assert isinstance(due(node), Applied)
    assert node.text("/etc/app") == "1.0.0 old"
    found = node.status()
    assert (found.accepted, found.drift, found.rolls_back_within) == (True, (), 0)
    assert found.own_rollback is not None
    assert (found.own_rollback.reference, found.own_rollback.within) == ("access-service-2.0.0", 600)
    assert not is_armed(node)


def test_the_timer_is_on_the_disk_before_the_first_change(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real = Places.sync

    def sync(places: Places, path: str) -> None:
        real(places, path)
        done.append(path)

    monkeypatch.setattr(Places, "sync", sync)
    monkeypatch.setattr(unaccepted, "renew", lambda host: done.append(f"begun: {node.text('/etc/app')}"))
    apply(node, TWO)
    assert done == [ENABLED, TIMER.replace(".timer", ".service"), TIMER, "begun: 1.0.0 old"]


def test_only_the_secrets_of_the_last_good_plan_are_kept_and_only_by_root(node: Node) -> None:
    apply(node, TWO)
    kept = node.path("/var/lib/soop/unaccepted.json")
    assert '"secrets":{"token":"old"}' in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_what_was_accepted_stays(node: Node) -> None:
    apply(node, TWO)
    accept(node.host, Accept(TWO["plan_digest"]))
    assert not is_armed(node)
    assert due(node) == Applied(())
    assert node.text("/etc/app") == "2.0.0 new"


def test_an_acceptance_that_was_killed_counts(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(host: Host) -> None:
        raise KeyboardInterrupt

    apply(node, TWO)
    with monkeypatch.context() as patch:
        patch.setattr(accepting.unaccepted, "disarm", killed)
        with pytest.raises(KeyboardInterrupt):
            accept(node.host, Accept(TWO["plan_digest"]))
    assert is_armed(node)
    assert due(node) == Applied(())
    assert node.text("/etc/app") == "2.0.0 new"
    assert not is_armed(node)


def test_other_secrets_alone_are_rolled_back_too(node: Node) -> None:
    apply(node, ONE)
    assert is_armed(node)
    assert node.text("/etc/app") == "1.0.0 new"
    due(node)
    assert node.text("/etc/app") == "1.0.0 old"


def test_there_may_be_nothing_to_roll_back_to(node: Node) -> None:
    apply(node, ONE, secrets=OLD)
    assert not is_armed(node)
    apply(node, TWO, within=0)
    assert not is_armed(node)


def test_a_first_version_stays(tmp_path: Any) -> None:
    fresh = Node(tmp_path / "fresh")
    apply(fresh, ONE)
    assert not is_armed(fresh)
    assert fresh.status().accepted is False


def test_what_rolled_back_at_once_needs_no_timer(node: Node) -> None:
    assert apply(node, BROKEN)["rolled_back"] is True
    assert not is_armed(node)
    missing = document("2.0.0", web={"blob": "sha256:" + "4" * 64})
    apply(node, missing)
    assert not is_armed(node)


@pytest.mark.parametrize("how", ["apply", "roll back"])
def test_a_deployer_that_goes_back_ends_it(node: Node, how: str) -> None:
    apply(node, TWO)
    if how == "apply":
        apply(node, ONE, secrets=OLD)
    else:
        node.roll_back(OLD)
    assert not is_armed(node)
    assert node.text("/etc/app") == "1.0.0 old"
    assert node.status().own_rollback is None


def test_a_look_of_a_deployer_begins_the_time_anew(node: Node) -> None:
    node.pending(ONE, OLD)
    assert f"restart {UNACCEPTED_TIMER}" not in node.systemd.commands
    apply(node, TWO)
    node.systemd.commands.clear()
    node.pending(TWO, NEW)
    assert node.systemd.commands == [f"restart {UNACCEPTED_TIMER}"]


def test_a_rollback_that_fails_is_told_and_tried_again(node: Node) -> None:
    node.accept(document("1.0.0", web={"units": {"app.service": {"content": "one"}}}))
    two = document("2.0.0", web={"units": {"app.service": {"content": "two"}}})
    apply(node, two)
    node.systemd.fails["restart app.service"] = "no"
    assert isinstance(due(node), Failed)
    found = node.status().own_rollback
    assert found is not None
    assert found.failure == "app.service: restart failed"
    assert is_armed(node)
    half = "not whole on this node any more: its own rollback failed: app.service: restart failed"
    with pytest.raises(Failure, match=half):
        accept(node.host, Accept(two["plan_digest"]))
    assert node.status().accepted is False
    assert is_armed(node)
    node.systemd.fails.clear()
    assert isinstance(due(node), Applied)
    assert not is_armed(node)


@pytest.mark.parametrize("busy", [None, "an-apply"])
def test_what_did_not_roll_back_in_time_has_the_same_time_again(
    node: Node, monkeypatch: pytest.MonkeyPatch, busy: str | None
) -> None:
    def ended(host: Host, id_: str) -> Failed:
        return Failed("units", "no")

    apply(node, TWO)
    monkeypatch.setattr(transient, "running", lambda host: busy)
    monkeypatch.setattr(transient, "start", lambda host, id_, work: None)
    monkeypatch.setattr(transient, "await_end", ended)
    node.systemd.commands.clear()
    assert own_rollback.run(node.host) == (None if busy else Failed("units", "no"))
    assert node.systemd.commands == [f"restart {UNACCEPTED_TIMER}"]
    due(node)
    node.systemd.commands.clear()
    own_rollback.run(node.host)
    assert node.systemd.commands == []


def test_a_deployer_that_wakes_up_later_is_told(node: Node) -> None:
    apply(node, TWO)
    due(node)
    with pytest.raises(Failure, match="it rolled back by itself, since it saw no sign of the deployer for 600 s"):
        accept(node.host, Accept(TWO["plan_digest"]))


def test_the_next_apply_forgets_it(node: Node) -> None:
    apply(node, TWO)
    due(node)
    apply(node, TWO)
    assert node.status().own_rollback is None


@pytest.mark.parametrize("content", ["{", "[]", '{"plan_digest": 1}'])
def test_a_damaged_record_rolls_nothing_back(node: Node, content: str) -> None:
    apply(node, TWO)
    node.path("/var/lib/soop/unaccepted.json").write_text(content)
    assert any("does not roll back by itself" in line for line in node.drift())
    assert due(node) == Applied(())
    assert node.text("/etc/app") == "2.0.0 new"
    assert unaccepted.load(node.host) is None
