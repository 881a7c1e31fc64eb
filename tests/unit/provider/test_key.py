"""A domain's key pair, and its rotation in two updates."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from soop_components.machines import ROTATE_KEY
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.key import NEXT, KeyResource
from soop_components.provider.resource import Context
from soop_components.provider.wire import UNKNOWN
from soop_components.release.cancellation import Cancellation

KEY = KeyResource()
WANTED = {"comment": "soop dev-access"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that asks for a step of a rotation and returns what the outputs are then."""

    def ask(step: str, outputs: dict[str, Any]) -> dict[str, Any]:
        monkeypatch.setenv(ROTATE_KEY, step)
        if not KEY.diff(WANTED, outputs, WANTED).changes:
            return outputs
        assert KEY.preview(context(), outputs, WANTED)["publicKey"] is UNKNOWN
        return asyncio.run(KEY.update(context(), "id", WANTED, outputs, WANTED))

    return ask


def context() -> Context:
    urn = "urn:pulumi:dev-access::soop::soop:index:Key::dev-access"
    return Context(urn, EngineProgress(None, urn), Cancellation())


def made() -> dict[str, Any]:
    return asyncio.run(KEY.create(context(), WANTED)).outputs


def test_a_key_stays_as_long_as_nobody_asks(asked: Any) -> None:
    first = made()
    assert asked("", first) == first
    assert asked("switch", first) == first, "there is none to switch to"
    assert KEY.preview(context(), first, WANTED) == first


def test_the_one_in_use_opens_all_machines_after_each_step(asked: Any) -> None:
    first = made()
    both = asked("add", first)
    assert both["privateKey"].reveal() == first["privateKey"].reveal()
    old, new = both["publicKey"].splitlines()
    assert old == first["publicKey"]
    assert new.startswith("ssh-ed25519 ")
    assert asked("add", both) == both
    last = asked("switch", both)
    assert last["publicKey"] == new
    assert last["privateKey"].reveal() == both[NEXT].reveal()
    assert NEXT not in last
