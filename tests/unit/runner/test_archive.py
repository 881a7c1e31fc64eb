"""The archive that travels: the same bytes for the same source, nothing but the standard library, and it runs."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import soop_components.runner
from soop_components.release.runner_archive import RunnerArchive
from soop_components.runner.protocol import Follow, Ping
from soop_components.runner.wire import request_line

PING = request_line(Ping())
LOUD = PING.replace(b"}", b', "loud": 1}')
SOURCES = sorted(Path(soop_components.runner.__file__).parent.glob("*.py"))


def test_the_same_source_gives_the_same_bytes() -> None:
    one, other = RunnerArchive.build(), RunnerArchive.build()
    assert one == other
    with tarfile.open(fileobj=io.BytesIO(one.content)) as archive:
        names = archive.getnames()
        sums = archive.extractfile("SHA256SUMS")
        assert sums is not None
        listed = sums.read()
    assert one.digest == hashlib.sha256(listed).hexdigest()
    assert sorted(line.split()[1].decode() for line in listed.splitlines()) == sorted({*names} - {"SHA256SUMS"})
    assert one.path_on_node == f"/var/lib/soop/runner/{one.digest}"


def test_nothing_in_it_says_when_or_by_whom_it_was_packed() -> None:
    with tarfile.open(fileobj=io.BytesIO(RunnerArchive.build().content)) as archive:
        for member in archive:
            assert (member.mtime, member.uid, member.gid, member.uname, member.mode) == (0, 0, 0, "", 0o644)
        assert archive.getnames() == sorted(archive.getnames())


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_it_needs_the_standard_library_only(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            top = name.split(".")[0]
            assert name.startswith("soop_components.runner") or top in sys.stdlib_module_names, f"{source.name}: {name}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The unpacked runner."""
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=RunnerArchive.build().content, check=True)
    return tmp_path


def begin(path: Path, sent: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-I", str(path), "serve"], input=sent, capture_output=True, check=False)


def test_a_verb_that_it_does_not_know_is_an_answer(path: Path) -> None:
    done = begin(path, b'{"verb": "dance", "protocol": 1}\n')
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout) == {"event": "unknown_verb", "verb": "dance", "protocol": 1}
    assert list(path.rglob("__pycache__")), "what was compiled is kept for the next time"


@pytest.mark.parametrize("sent", [b"\n", b"{\n", b"\xff", b"[]", b"{}", b'{"verb": []}', b'"status"', LOUD])
def test_what_is_no_request_is_a_failure_and_no_traceback(path: Path, sent: bytes) -> None:
    done = begin(path, sent)
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert "the request cannot be read" in json.loads(line)["message"]
    assert done.stderr == b""


def test_one_request_after_the_other_is_answered_until_there_are_no_more(path: Path) -> None:
    done = begin(path, PING + PING)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"event": "result"}] * 2
    assert (done.returncode, done.stderr) == (0, b"")
    assert begin(path, b"").returncode == 0


def test_a_failure_ends_the_runner_since_input_may_be_left_unread(path: Path) -> None:
    done = begin(path, request_line(Follow("not an id")) + PING)
    assert [json.loads(line)["step"] for line in done.stdout.splitlines()] == ["plan"]
    assert (done.returncode, done.stderr) == (1, b"")
