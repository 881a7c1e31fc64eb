"""Files, folders and links through whole applies: written, compared, repaired and removed."""

from __future__ import annotations

import hashlib
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from soop_components.runner.blobs import Blobs
from tests.unit.runner.node import ME, Node, document, file, sha256, tar

APP = tar({"app/main.py": b"print('hello')\n"})
MAIN = {"source": "app/main.py", "digest": sha256(b"print('hello')\n"), **ME}


def web(**parts: Any) -> dict[str, Any]:
    return document(web=parts)


def test_texts_are_rendered_and_members_taken_out_of_the_blob(node: Node) -> None:
    node.receive(APP)
    files = {"/etc/app/name": file("I am @@soop-node:name@@\n"), "/opt/app/main.py": {**MAIN, "mode": "0755"}}
    event = node.apply(web(blob=sha256(APP), files=files))
    assert event["changes"] == ["write file /etc/app/name", "write file /opt/app/main.py"]
    assert node.text("/etc/app/name") == "I am web-1.access-service.dev-access\n"
    assert node.path("/opt/app/main.py").stat().st_mode & 0o777 == 0o755


def test_a_file_can_be_a_blob_of_its_own(node: Node) -> None:
    wheel = b"PK " * 100_000
    wanted = web(files={"/opt/wheels/x.whl": {"digest": sha256(wheel), **ME}})
    assert "1 blobs were not sent to this node" in node.apply(wanted)["message"]
    node.receive(wheel)
    assert node.accept(wanted)["changes"] == ["write file /opt/wheels/x.whl"]
    assert node.path("/opt/wheels/x.whl").read_bytes() == wheel
    assert node.apply(wanted)["changes"] == []


@pytest.mark.parametrize(("mode", "on_disk"), [("0644", 0o640), ("0600", 0o600), ("0777", 0o640)])
def test_files_with_secrets_are_closed_to_others(node: Node, mode: str, on_disk: int) -> None:
    wanted = web(files={"/etc/env": file('P="@@soop-secret:password|systemd@@"', mode=mode)})
    node.apply(wanted, secrets={"password": 'a"b'})
    assert node.text("/etc/env") == 'P="a\\"b"'
    assert node.path("/etc/env").stat().st_mode & 0o777 == on_disk
    assert node.drift() == []
    for name in os.listdir(node.path("/var/lib/soop")):
        if node.path(f"/var/lib/soop/{name}").is_file():
            assert b'a"b' not in node.path(f"/var/lib/soop/{name}").read_bytes()


def test_a_second_apply_changes_nothing_on_disk(node: Node) -> None:
    wanted = web(
        files={"/etc/x": file("x")}, links={"/etc/y": {"target": "x"}}, directories={"/srv/z": ME}, absent=["/etc/n"]
    )
    node.accept(wanted)
    before = {
        path: path.lstat() for path in node.root.rglob("*") if "report" not in path.name and "lock" not in path.name
    }
    event = node.apply(wanted)
    assert event["changes"] == []
    assert node.pending(wanted) == []
    after = {path: path.lstat() for path in before}
    assert {path for path in before if before[path].st_mtime_ns != after[path].st_mtime_ns} <= {
        node.path("/var/lib/soop")
    }


CHANGES_BY_HAND: list[tuple[str, list[str]]] = [
    ("echo more >> etc/x", ["file /etc/x: content changed"]),
    ("chmod 600 etc/x", ["file /etc/x: mode 0600, not 0644"]),
    ("rm etc/x", ["file /etc/x: missing"]),
    ("rm etc/x; mkdir etc/x", ["file /etc/x: is a folder, not a file"]),
    ("rm etc/x; ln -s y etc/x", ["file /etc/x: is a symbolic link, not a file"]),
    ("rm etc/link", ["link /etc/link: missing"]),
    ("ln -sfn other etc/link", ["link /etc/link: points to other, not x"]),
    ("rm etc/link; touch etc/link", ["link /etc/link: is not a link"]),
    ("touch etc/gone", ["/etc/gone: is there and must not be"]),
    ("chmod 777 srv/data", ["directory /srv/data: mode 0777, not 0750"]),
    ("rmdir srv/data", ["directory /srv/data: missing"]),
    ("touch etc/x", []),
    ("touch srv/data/mine etc/mine", []),
]


@pytest.mark.parametrize(("by_hand", "drift"), CHANGES_BY_HAND, ids=[command for command, _ in CHANGES_BY_HAND])
def test_what_was_changed_by_hand_is_reported_and_only_that_is_mended(
    node: Node, by_hand: str, drift: list[str]
) -> None:
    wanted = web(
        files={"/etc/x": file("x"), "/etc/other": file("other")},
        links={"/etc/link": {"target": "x"}},
        absent=["/etc/gone"],
        directories={"/srv/data": {"mode": "0750", **ME}},
    )
    node.accept(wanted)
    assert os.waitstatus_to_exitcode(os.system(f"cd {node.root} && {by_hand}")) == 0
    assert node.drift() == drift
    if "is a folder" in str(drift):
        node.path("/etc/x").rmdir()
    assert len(node.pending(wanted)) == len(drift)
    event = node.apply(wanted)
    assert len(event["changes"]) == len(drift), event
    assert node.drift() == []


def test_what_was_there_before_us_is_kept_once_and_restored(node: Node) -> None:
    node.path("/etc/conf").write_text("by hand")
    node.path("/etc/conf").chmod(0o600)
    node.path("/etc/default").symlink_to("somewhere")
    node.accept(web(files={"/etc/conf": file("one")}, absent=["/etc/default"]))
    node.accept(web(files={"/etc/conf": file("two")}, absent=["/etc/default"]))
    assert node.text("/etc/conf") == "two"
    assert node.text("/var/lib/soop/replaced/etc/conf") == "by hand"
    event = node.accept(web())
    assert event["changes"] == ["restore absent /etc/default", "restore file /etc/conf"]
    assert node.text("/etc/conf") == "by hand"
    assert node.path("/etc/conf").stat().st_mode & 0o777 == 0o600
    assert os.readlink(node.path("/etc/default")) == "somewhere"


def test_a_file_that_is_right_already_is_taken_over(node: Node) -> None:
    node.path("/etc/x").write_text("x")
    node.path("/etc/x").chmod(0o644)
    assert node.accept(web(files={"/etc/x": file("x")}))["changes"] == []
    assert not node.path("/var/lib/soop/replaced").exists()
    node.path("/etc/x").write_text("y")
    assert node.drift() == ["file /etc/x: content changed"]


def test_what_the_plan_no_longer_has_is_removed_with_the_folders_we_made(node: Node) -> None:
    node.path("/opt").mkdir()
    both = {"/opt/app/lib/x": file("x"), "/opt/app/y": file("y")}
    node.accept(
        web(files=both, links={"/opt/links/l": {"target": "x"}}, directories={"/srv/data": ME, "/srv/kept": ME})
    )
    node.path("/srv/kept/mine").write_text("data")
    event = node.accept(web(files={"/opt/app/y": file("y")}))
    assert set(event["changes"]) == {
        "remove file /opt/app/lib/x",
        "remove link /opt/links/l",
        "remove directory /opt/app/lib",
        "remove directory /opt/links",
        "remove directory /srv/data",
    }
    assert node.text("/srv/kept/mine") == "data"
    assert node.path("/opt/app/y").exists()
    node.accept(web())
    assert os.listdir(node.path("/opt")) == []


def test_a_path_may_become_another_kind_of_thing(node: Node) -> None:
    node.accept(web(files={"/etc/x": file("x")}))
    for kind in ({"links": {"/etc/x": {"target": "y"}}}, {"absent": ["/etc/x"]}, {"files": {"/etc/x": file("x")}}):
        node.accept(web(**kind))
        assert node.drift() == []
    assert node.text("/etc/x") == "x"
    assert not node.path("/var/lib/soop/replaced").exists(), "what is replaced was ours"


def test_a_user_that_is_not_there_is_named(node: Node) -> None:
    event = node.apply(web(files={"/etc/x": {"content": "x", "owner": "nobody-of-this-name"}}))
    assert "there is no user 'nobody-of-this-name' on this node" in event["message"]


def test_a_link_that_leads_astray_is_a_difference_not_a_crash(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.accept(web(files={"/opt/app/x": file("x")}))
    os.rename(node.path("/opt/app"), node.path("/opt/moved"))
    node.path("/opt/app").symlink_to("moved")
    host = node.host
    host.places._trusted = ()
    from soop_components.runner.node_status import drift

    (found,) = drift(host, host.load("running.json"))
    assert found.kind == "error"
    assert found.detail.startswith("/opt/app: is a symbolic link that uid")


def test_files_go_through_memory_by_parts(node: Node) -> None:
    """A file larger than the memory allowed for it is received, written, compared, kept, found changed and restored."""
    import tracemalloc

    size = 64 << 20
    node.path("/opt").mkdir()

    def sparse(name: str, head: bytes, more: int) -> tuple[Path, str]:
        path = node.path(name)
        with path.open("wb+") as file:
            file.write(head)
            file.truncate(len(head) + more)
            file.seek(0)
            return path, "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()

    sparse("/opt/big", b"", size - 1)
    _, digest = sparse("/member", b"", size)
    member = tarfile.TarInfo("big")
    member.size = size
    blob, of_blob = sparse("/blob", member.tobuf(), size + 2 * tarfile.BLOCKSIZE)
    stream, _ = sparse("/stream", f"{of_blob} {blob.stat().st_size}\n".encode() + member.tobuf(), size + 1024)
    wanted = web(blob=of_blob, files={"/opt/big": {"source": "big", "digest": digest, **ME}})
    tracemalloc.start()
    with stream.open("rb") as file:
        Blobs(node.host).receive(file)
    node.accept(wanted)
    os.utime(node.path("/opt/big"))
    assert node.drift() == []
    node.accept(web())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert node.path("/opt/big").stat().st_size == size - 1
    assert most < size / 4
