"""Builds that are killed, for real, wherever they write: nothing of them is seen, and the next build is as if alone."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pytest

from soop_components.artifact.store import Store
from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.cli.main import main
from soop_components.errors import SoopError
from soop_components.project import Project

NAME = "greeting-service-1.0.0"
ROOT = Path(__file__).parents[3]


def killed_at(step: int, number: signal.Signals = signal.SIGKILL) -> int:
    """Build in a process that gets a signal before a step of its writing; return minus the signal, or the exit code."""
    child = os.fork()
    if child == 0:
        _build_until(step, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _build_until(step: int, number: signal.Signals) -> NoReturn:
    steps = itertools.count()

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if next(steps) == step:
                os.kill(os.getpid(), number)
            return original(*arguments)

        return call

    code = 70
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.fsync = counted(os.fsync)
        mock.patch.object(Path, "replace", counted(Path.replace)).start()
        code = main(["build", "greeting-service"])
    finally:
        os._exit(code)


def test_a_build_that_is_killed_at_every_step_of_writing(locked: Project) -> None:
    reference = build(locked, read_source(locked, "greeting-service"), lambda _: None)
    blobs = locked.store / "blobs" / "sha256"
    complete = sorted(path.name for path in blobs.iterdir())
    (locked.store / "index.json").unlink()
    for path in blobs.iterdir():
        path.unlink()
    steps = 0
    while (code := killed_at(steps)) == -signal.SIGKILL:
        store = Store.of(locked)
        entries = store.list()
        assert [problems for _, problems in store.verify()] == [[] for _ in entries]
        assert not entries or entries[0].digest == reference.digest
        steps += 1
    assert code == 0
    assert steps > 15
    assert [entry.digest for entry in Store.of(locked).list()] == [reference.digest]
    assert sorted(path.name for path in blobs.iterdir()) == complete
    assert not (locked.store / "incoming").exists()


def test_what_an_interrupted_build_left_is_removed_by_the_next(locked: Project) -> None:
    assert killed_at(3) == -signal.SIGKILL
    assert list((locked.store / "incoming").iterdir())
    assert Store.of(locked).list() == []
    build(locked, read_source(locked, "greeting-service"), lambda _: None)
    assert not (locked.store / "incoming").exists()


def test_two_builds_at_once(locked: Project) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "soop_components.cli.main", "build", "greeting-service", "--version"]
    versions = ["1.0.0", "1.0.1", "1.0.2"]
    both = [
        subprocess.Popen([*argv, version], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for version in versions
    ]
    for process in both:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    store = Store.of(locked)
    assert [entry.reference.version for entry in store.list()] == versions
    assert [problems for _, problems in store.verify()] == [[], [], []]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle(locked: Project, number: signal.Signals) -> None:
    assert killed_at(6, number) != 0
    assert Store.of(locked).list() == []
    build(locked, read_source(locked, "greeting-service"), lambda _: None)
    assert [str(entry.reference) for entry in Store.of(locked).list()] == [NAME]


def test_no_room_is_left(locked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build(locked, read_source(locked, "greeting-service"), lambda _: None)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SoopError) as caught:
        build(locked, read_source(locked, "greeting-service"), lambda _: None, "1.0.1")
    assert caught.value.message == f"{locked.store} cannot be written: No space left on device"
    assert "SOOP_STORE" in str(caught.value.hint)
    store = Store.of(locked)
    assert [entry.digest for entry in store.list()] == [before.digest]
    assert [problems for _, problems in store.verify()] == [[]]
    assert not (locked.store / "incoming").exists()


def test_a_store_that_cannot_be_made(locked: Project) -> None:
    locked.store.write_text("a file")
    with pytest.raises(SoopError, match=rf"^{locked.store} cannot be written: File exists\n"):
        build(locked, read_source(locked, "greeting-service"), lambda _: None)
    assert locked.store.read_text() == "a file"
