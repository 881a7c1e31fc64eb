from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soop_components.runner import verbs
from soop_components.runner.protocol import Script, ScriptEnded
from tests.unit.runner.node import ME, USER, Node, document, file, script, sha256, tar

SECRETS = {"password": "one"}


@pytest.fixture
def notes(node: Node) -> Path:
    return node.root / "notes"


def with_script(notes: Path, files: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    noting = script("note", f'echo "$@" >> {notes}; cat >> {notes}', **more)
    return document(web={"scripts": [noting], "files": files or {}})


def runs(node: Node, wanted: dict[str, Any], secrets: dict[str, str] | None = None) -> bool:
    pending = "run script web/note" in node.pending(wanted, secrets=secrets or SECRETS)
    event = node.apply(wanted, secrets=secrets or SECRETS)
    assert event["event"] == "result", event
    ran = "run script web/note" in event["changes"]
    assert ran == pending
    return ran


def test_a_script_runs_once(node: Node, notes: Path) -> None:
    assert runs(node, with_script(notes))
    assert not runs(node, with_script(notes))


def test_a_script_runs_again_when_anything_it_is_given_changes(node: Node, notes: Path) -> None:
    assert runs(node, with_script(notes))
    assert runs(node, with_script(notes, arguments=["a"]))
    assert runs(node, with_script(notes, arguments=["a"], stdin="text\n"))
    assert not runs(node, with_script(notes, arguments=["a"], stdin="text\n"))
    assert notes.read_text() == "\na\na\ntext\n"


def test_a_script_runs_again_when_its_secret_changes(node: Node, notes: Path) -> None:
    wanted = with_script(notes, stdin="@@soop-secret:password@@\n")
    assert runs(node, wanted)
    assert not runs(node, wanted)
    assert runs(node, wanted, {"password": "two"})
    assert node.pending(wanted, {"password": "two"}) == []
    assert notes.read_text() == "\none\n\ntwo\n"


def test_a_script_runs_again_when_its_disk_is_what_it_was_before(node: Node, notes: Path) -> None:
    record = node.path("/srv/disk/.soop-scripts")
    record.parent.mkdir(parents=True)

    def wanted(*arguments: str) -> dict[str, Any]:
        noting = script("note", f'echo "$@" >> {notes}', arguments=list(arguments))
        return document(web={"scripts": [noting, script("other", "true")]}, disk="/srv/disk")

    assert runs(node, wanted("a"))
    assert record.stat().st_mode & 0o777 == 0o600
    snapshot = record.read_bytes()
    assert runs(node, wanted("b"))
    assert node.drift() == []
    assert not node.inspected(wanted("a")).has_other_disk
    record.write_bytes(snapshot)  # nothing else of the disk is looked at
    assert node.inspected(wanted("a")).has_other_disk
    assert node.drift() == ["script web/note: has not run for what is on the disk now"]
    assert node.pending(wanted("b")) == ["run script web/note"]
    assert runs(node, wanted("b"))
    assert node.drift() == []
    for damage in (b"{", b"[]", b"\xff", b'{"web/note": 1}'):
        record.write_bytes(damage)
        assert runs(node, wanted("b"))
    record.chmod(0o644)  # somebody else's
    assert runs(node, wanted("b"))
    assert notes.read_text().split() == ["a", *["b"] * 7]


def test_a_script_runs_again_when_a_trigger_changes(node: Node, notes: Path) -> None:
    def triggered(**files: str) -> dict[str, Any]:
        return with_script(notes, {f"/opt/m/{name}": file(text) for name, text in files.items()}, triggers=["/opt/m"])

    assert runs(node, triggered(a="1"))
    assert not runs(node, triggered(a="1"))
    assert runs(node, triggered(a="2"))
    assert runs(node, triggered(a="2", b="1"))
    assert runs(node, triggered(a="2"))
    node.path("/opt/m/a").write_text("by hand")
    assert not runs(node, triggered(a="2")), "it is mended to what the script saw"


def test_links_folders_and_what_must_not_be_there_are_triggers_too(node: Node, notes: Path) -> None:
    def triggered(**parts: Any) -> dict[str, Any]:
        return document(web={"scripts": [script("note", f"echo >> {notes}", triggers=["/srv"])], **parts})

    old, new = ({"/srv/current": {"target": target}} for target in "ab")
    assert runs(node, triggered(links=old))
    assert not runs(node, triggered(links=old))
    assert runs(node, triggered(links=new))
    assert runs(node, triggered(directories={"/srv/data": {"mode": "0755", **ME}}))
    assert runs(node, triggered(directories={"/srv/data": {"mode": "0700", **ME}}))
    assert not runs(node, triggered(directories={"/srv/data": {"mode": "0700", **ME}}))
    node.path("/srv/old").touch()
    assert runs(node, triggered(absent=["/srv/old"]))
    assert not runs(node, triggered(absent=["/srv/old"]))


def test_a_link_of_a_later_component_is_a_trigger(node: Node, notes: Path) -> None:
    def wanted(target: str) -> dict[str, Any]:
        reads = script("reads", f"readlink {node.path('/srv/current')} >> {notes}; true", triggers=["/srv/current"])
        later = {"links": {"/srv/current": {"target": target}}}
        return document(first={"scripts": [reads]}, second=later)

    node.accept(wanted("a"))
    node.accept(wanted("b"))
    assert notes.read_text() == "a\na\nb\n"
    assert node.apply(wanted("b"))["changes"] == []


def test_a_secret_in_a_trigger_counts(node: Node, notes: Path) -> None:
    wanted = with_script(notes, {"/etc/env": file("@@soop-secret:password@@")}, triggers=["/etc/env"])
    assert runs(node, wanted)
    assert runs(node, wanted, {"password": "two"})


def test_a_trigger_that_is_not_ours_counts_by_its_bytes(node: Node, notes: Path) -> None:
    wanted = with_script(notes, triggers=["/etc/theirs"])
    assert runs(node, wanted)
    node.path("/etc/theirs").write_text("1")
    assert runs(node, wanted)
    assert not runs(node, wanted)


def test_a_script_out_of_the_blob(node: Node, notes: Path) -> None:
    program = f"#!/bin/sh\necho out of the blob > {notes}\n".encode()
    blob = tar({".block/x/note": program})
    node.receive(blob)
    given = {"name": "note", "source": ".block/x/note", "digest": sha256(program), "user": USER}
    assert runs(node, document(web={"blob": sha256(blob), "scripts": [given]}))
    assert notes.read_text() == "out of the blob\n"


def test_scripts_run_before_and_after_units(node: Node, notes: Path) -> None:
    node.systemd.fails["start app.service"] = "no"
    scripts = [
        script("after", f"echo after >> {notes}"),
        script("before", f"echo before >> {notes}", when="before_units"),
    ]
    event = node.apply(document(web={"scripts": scripts, "units": {"app.service": {"content": "x"}}}))
    assert event["event"] == "failure"
    assert notes.read_text() == "before\n"


def test_a_failed_script_runs_again_and_so_does_what_it_undid(node: Node, notes: Path) -> None:
    good = document("1.0.0", web={"scripts": [script("note", f"echo good >> {notes}")]})
    bad = document("2.0.0", web={"scripts": [script("note", f"echo bad >> {notes}; exit 1")]})
    other = document("3.0.0", web={"scripts": [script("note", f"echo good >> {notes}"), script("other", "exit 1")]})
    node.accept(good)
    assert node.apply(bad)["rolled_back"] is True
    assert notes.read_text() == "good\nbad\ngood\n", "the accepted script undoes what the failed one did"
    assert node.apply(other)["rolled_back"] is True
    assert notes.read_text() == "good\nbad\ngood\n", "it was not touched this time"


def test_a_script_is_killed_when_its_time_is_up(node: Node) -> None:
    event = node.apply(document(web={"scripts": [script("slow", "echo waiting; sleep 60", timeout=3)]}))
    assert (event["exit_code"], event["message"]) == (124, "script slow took more than 3 seconds")
    assert event["stderr_tail"] == "waiting"


def test_a_program_without_an_interpreter_is_named(node: Node) -> None:
    event = node.apply(document(web={"scripts": [{"name": "odd", "content": "no first line", "user": USER}]}))
    assert event["step"] == "scripts"
    assert "script odd cannot be run" in event["message"]


def test_nothing_of_a_script_is_left(node: Node, notes: Path) -> None:
    assert runs(node, with_script(notes, {"/etc/x": {"content": "x", **ME}}))
    assert list(node.path("/var/lib/soop/scripts").iterdir()) == []


def test_what_a_later_component_changes_at_a_trigger_runs_a_script_once_more(node: Node, notes: Path) -> None:
    later = node.path("/opt/later")

    def wanted(version: str, text: str, **second: Any) -> dict[str, Any]:
        first = {"scripts": [script("note", f"cat {later} >> {notes} 2>&1; true", triggers=["/opt"])]}
        return document(version, first=first, second={"files": {"/opt/later": file(text)}, **second})

    node.accept(wanted("1.0.0", "one\n"))
    assert notes.read_text().endswith("No such file or directory\none\n")
    notes.unlink()
    node.accept(wanted("2.0.0", "two\n"))
    assert notes.read_text() == "one\ntwo\n"
    notes.unlink()
    assert node.apply(wanted("2.0.0", "two\n"))["changes"] == []
    node.accept(wanted("3.0.0", "two\n", scripts=[script("writes", f"echo more >> {later}.more")]))
    assert notes.read_text() == "two\n", "a script of a later component counts, too"


def test_scripts_that_trigger_each_other_come_to_an_end(node: Node, notes: Path) -> None:
    opt = node.path("/opt")
    text = f"mkdir -p {opt}; date +%N > {opt}/$(basename $0); echo >> {notes}"
    wanted = document(web={"scripts": [script(name, text, triggers=["/opt"]) for name in "ab"]})
    node.accept(wanted)
    assert notes.read_text() == 4 * "\n"
    assert node.apply(wanted)["changes"] == []


def test_a_program_finds_its_secrets_in_files_that_only_its_user_can_read(node: Node) -> None:
    program = b"""#!/bin/sh
for name in "$SOOP_SECRETS"/*; do stat -c '%n %a %U' "$name"; cat "$name"; echo; done
env | grep -c s3cret; cat /proc/$$/cmdline | grep -c s3cret
"""
    node.receive(blob := tar({"smoke/try": program}))
    secrets = {"password": "s3cret-1", "token": "s3cret-2\n"}
    request = Script(sha256(blob), "smoke/try", {}, 60, user=USER, secrets=secrets)
    ended = verbs._carry_out(node.host, request, node.events)
    assert isinstance(ended, ScriptEnded)
    folder, *_ = ended.stdout_tail.partition("/password ")
    assert ended.stdout_tail.splitlines() == [
        f"{folder}/password 400 {USER}", "s3cret-1", f"{folder}/token 400 {USER}", "s3cret-2", "", "0", "0",
    ]  # fmt: skip
    assert not Path(folder).exists()
