"""Whole applies: success is recorded, failure is rolled back, interruption is made up for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soop_components.runner import health, hosts, unit_watch, units
from soop_components.runner.blobs import Blobs
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.kinds import KINDS
from soop_components.runner.protocol import Accept
from tests.unit.runner.node import Node, document, file, script, sha256

SECRETS = {"password": "s3cret"}


def version(number: str, *, fails: bool = False, **parts: Any) -> dict[str, Any]:
    scripts = [script("check", "echo trouble >&2; exit 3")] if fails else []
    files = {"/etc/app": file(f"{number} @@soop-secret:password@@")}
    return document(number, web={"files": files, "scripts": scripts, **parts})


ONE, TWO, BROKEN = version("1.0.0"), version("2.0.0"), version("3.0.0", fails=True)


def test_an_answer_says_what_was_changed(node: Node) -> None:
    event = node.apply(ONE, secrets=SECRETS)
    assert event == {"event": "result", "changes": ["write file /etc/app"]}


def test_a_failure_is_rolled_back_to_what_was_accepted(node: Node) -> None:
    node.accept(ONE, secrets={"password": "old"})
    event = node.apply(BROKEN, secrets=SECRETS, previous_secrets={"password": "old"})
    assert event == {
        "event": "failure",
        "step": "scripts",
        "component": "web",
        "command": "check",
        "exit_code": 3,
        "stderr_tail": "trouble",
        "message": "script check ended with 3",
        "rolled_back": True,
        "rollback_failure": None,
    }
    assert node.text("/etc/app") == "1.0.0 old"
    found = node.status()
    assert found.running is not None
    assert (found.running.plan_digest, found.accepted, found.drift) == (ONE["plan_digest"], True, ())


def test_a_rollback_on_a_full_disk_makes_room_and_keeps_what_it_was_asked_to(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, new = b"undrain", b"of the new version"
    node.receive(hook)
    node.accept(ONE, secrets=SECRETS, blobs=[sha256(hook)])
    node.receive(new)
    monkeypatch.setattr(Host, "release_reserve", lambda host: True)
    assert node.apply(BROKEN, secrets=SECRETS, blobs=[sha256(hook)])["rolled_back"] is True
    assert Blobs(node.host).missing([sha256(hook), sha256(new)]) == [sha256(new)]


def test_a_rollback_that_is_asked_for_makes_room_on_a_full_disk_too(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.accept(ONE, secrets=SECRETS)
    node.host.keep_reserve()
    reserve = node.path("/var/lib/soop/reserve")
    assert reserve.exists()
    assert node.apply(TWO, secrets=SECRETS)["event"] == "result"
    monkeypatch.setattr(Host, "_free", lambda host: 0)
    assert node.roll_back(SECRETS)["event"] == "result"
    assert not reserve.exists()


def test_a_look_says_what_was_begun_last(node: Node) -> None:
    node.accept(ONE, secrets=SECRETS)
    found = node.inspected(TWO, SECRETS)
    assert found.begun == found.running == found.last_good
    node.apply(TWO, secrets=SECRETS)
    found = node.inspected(TWO, SECRETS)
    assert found.begun == found.running != found.last_good


def test_a_first_failure_leaves_the_node_and_says_so(node: Node) -> None:
    event = node.apply(BROKEN, secrets=SECRETS)
    assert (event["event"], event["rolled_back"]) == ("failure", False)
    assert node.status().running is None
    assert node.drift()[0] == "access-service-3.0.0 was begun and not finished"
    assert "finish apply access-service-3.0.0" in node.pending(BROKEN, SECRETS)


def test_a_failed_rollback_is_reported_beside_the_failure(node: Node) -> None:
    node.accept(document("1.0.0", web={"units": {"app.service": {"content": "one"}}}))
    node.systemd.fails["restart app.service"] = "no"
    event = node.apply(document("2.0.0", web={"units": {"app.service": {"content": "two"}}}))
    assert event["rolled_back"] is False
    assert event["message"] == "app.service: restart failed"
    assert event["rollback_failure"]["message"] == "app.service: restart failed"
    node.systemd.fails.clear()
    assert "access-service-1.0.0 was begun and not finished" in node.drift()
    assert node.roll_back()["event"] == "result"
    assert node.text("/etc/systemd/system/app.service") == "one"
    assert node.drift() == []


def test_what_would_fail_later_is_found_before_the_first_change(node: Node) -> None:
    node.accept(ONE, secrets=SECRETS)
    event = node.apply(TWO, secrets={})
    assert (event["step"], event["rolled_back"]) == ("plan", True)
    assert "needs the secret 'password'" in event["message"]
    blob = document("2.0.0", web={"blob": "sha256:" + "1" * 64})
    event = node.apply(blob)
    assert (event["step"], event["rolled_back"]) == ("blobs", True)
    assert node.text("/etc/app") == "1.0.0 s3cret"
    assert node.drift() == []


def test_a_new_secret_in_the_same_plan_is_noticed(node: Node) -> None:
    node.accept(ONE, secrets=SECRETS)
    assert node.pending(ONE, secrets=SECRETS) == []
    assert node.pending(ONE, secrets={"password": "new"}) == ["write file /etc/app"]
    assert node.apply(ONE, secrets={"password": "new"})["changes"] == ["write file /etc/app"]
    assert node.text("/etc/app") == "1.0.0 new"


def test_a_new_secret_that_does_not_work_is_rolled_back(node: Node) -> None:
    check = script("check", 'test "$(cat)" != bad', stdin="@@soop-secret:password@@")
    wanted = document(web={"files": {"/etc/app": file("@@soop-secret:password@@")}, "scripts": [check]})
    node.accept(wanted, secrets={"password": "good"})
    assert node.apply(wanted, secrets={"password": "bad"})["rolled_back"] is False
    assert node.apply(wanted, secrets={"password": "bad"}, previous_secrets={"password": "good"})["rolled_back"] is True
    assert node.text("/etc/app") == "good"
    assert node.drift() == []


def test_secrets_are_in_no_event(node: Node) -> None:
    failing = document(web={"scripts": [script("print", "cat; exit 1", stdin="x @@soop-secret:password|url@@ y")]})
    event = node.apply(failing, secrets={"password": "s3c&ret"})
    assert event["stderr_tail"] == "x [secret] y"
    assert all("s3c" not in line for line in node.said)


def test_a_rollback_needs_something_accepted(node: Node) -> None:
    event = node.roll_back()
    assert (event["event"], event["rolled_back"]) == ("failure", False)
    assert "no version was ever accepted" in event["message"]


def test_a_rollback_goes_to_the_accepted_version(node: Node) -> None:
    node.accept(ONE, secrets=SECRETS)
    assert node.apply(TWO, secrets=SECRETS)["event"] == "result"
    assert node.status().accepted is False
    assert node.roll_back(secrets=SECRETS)["changes"] == ["write file /etc/app"]
    assert node.text("/etc/app") == "1.0.0 s3cret"
    assert node.status().accepted is True


def test_only_what_runs_can_be_accepted(node: Node) -> None:
    from soop_components.runner.accept import accept

    with pytest.raises(Failure, match="which runs nothing"):
        accept(node.host, Accept(ONE["plan_digest"]))
    node.apply(ONE, secrets=SECRETS)
    with pytest.raises(Failure, match=r"which runs access-service-1\.0\.0 with another plan"):
        accept(node.host, Accept(TWO["plan_digest"]))


def test_one_apply_at_a_time(node: Node) -> None:
    with node.host.lock() as mine:
        assert mine
        event = node.apply(ONE, secrets=SECRETS)
    assert (event["step"], event["message"]) == ("lock", "another apply is running on this node")


def test_a_mistake_of_ours_is_a_failure_too(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.accept(ONE, secrets=SECRETS)

    def mistake(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(health, "carry_out", mistake)
    event = node.apply(TWO, secrets=SECRETS)
    assert event["step"] == "runner"
    assert event["message"].startswith(
        "the runner has a mistake: ZeroDivisionError: division by zero (test_apply.py, line "
    )
    assert event["rolled_back"] is False
    assert event["rollback_failure"]["step"] == "runner"


MOMENTS = ("check", "prepare", "carry_out", "remove_stale")
KILLED_AT = [
    (hosts, "put"),
    *((kind, name) for kind in {type(kind): 0 for kind in KINDS} for name in MOMENTS if name in vars(kind)),
    (units, "restart_dependents"),
    (unit_watch, "verify"),
]


@pytest.mark.parametrize(("owner", "function"), KILLED_AT)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_apply_is_made_up_for(
    node: Node, monkeypatch: pytest.MonkeyPatch, owner: Any, function: str, when: str
) -> None:
    class Killed(BaseException):
        pass

    def old(number: str) -> dict[str, Any]:
        unit = {"content": f"[Service]\nExecStart={number}\n", "restart_on": ["/etc/app"]}
        return version(number, units={"app.service": unit}, links={f"/etc/link-{number}": {"target": "app"}},
                       scripts=[script("note", f"echo {number} >> {node.root}/notes")])  # fmt: skip

    node.accept(old("1.0.0"), secrets=SECRETS)
    real = getattr(owner, function)

    def dies(*arguments: Any) -> None:
        if when == "after":
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, function, dies)
        with pytest.raises(Killed):
            node.apply(old("2.0.0"), secrets=SECRETS)
    restarted = "restart app.service" in node.systemd.commands
    event = node.apply(old("2.0.0"), secrets=SECRETS)
    assert event["event"] == "result", event
    assert restarted or "restart app.service" in node.systemd.commands
    found = node.status()
    assert found.running is not None
    assert (found.drift, found.running.version) == ((), "2.0.0")
    assert node.text("/etc/app") == "2.0.0 s3cret"
    assert not node.path("/etc/link-1.0.0").is_symlink()
    assert node.text("/notes").splitlines()[-1] == "2.0.0"
    assert node.apply(old("2.0.0"), secrets=SECRETS)["changes"] == []


def test_what_is_stored_is_json_that_others_can_read(node: Node) -> None:
    node.accept(ONE, secrets=SECRETS)
    for name in ("ledger", "intended", "running", "accepted"):
        json.loads(node.text(f"/var/lib/soop/{name}.json"))
        assert node.path(f"/var/lib/soop/{name}.json").stat().st_mode & 0o777 == 0o600
