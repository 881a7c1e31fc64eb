"""The gateway: what the root helper or sudo says becomes an answer or one readable error."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.machines.local import gateway


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_an_ordinary_user_goes_through_sudo_without_a_prompt(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program(programs / "sudo", 'cat > /dev/null; printf \'{"result": "%s"}\' "$*"')
    answer = asyncio.run(gateway.call("status", {}))
    assert answer.startswith("-n /usr/bin/python3 -I -B ")
    assert answer.endswith("/root_helper status")


def test_a_sudo_that_asks_for_a_password_is_reported_in_one_line(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program(programs / "sudo", 'echo "sudo: a password is required" >&2; exit 1')
    with pytest.raises(SoopError) as failure:
        asyncio.run(gateway.call("status", {}))
    assert failure.value.message == "local machines need root rights and sudo asks for a password"
    assert failure.value.hint == "run `sudo -v` first"


def test_a_host_without_sudo_is_reported(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(SoopError, match="sudo is not installed"):
        asyncio.run(gateway.call("status", {}))


def test_a_refusal_keeps_its_hint(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = programs / "python3"
    program(helper, 'cat > /dev/null; echo \'{"error": {"message": "no", "hint": "do"}}\'; exit 1')
    monkeypatch.setattr(gateway, "_PYTHON", str(helper))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SoopError) as failure:
        asyncio.run(gateway.call("status", {}))
    assert (failure.value.message, failure.value.hint) == ("no", "do")


def test_a_helper_that_crashes_is_reported_with_what_it_said(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = programs / "python3"
    program(helper, "cat > /dev/null; echo out of luck >&2; exit 3")
    monkeypatch.setattr(gateway, "_PYTHON", str(helper))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SoopError, match="failed at status with exit code 3: out of luck"):
        asyncio.run(gateway.call("status", {}))


def test_a_cancelled_caller_waits_for_the_helper(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper, done = programs / "python3", programs / "done"
    program(helper, f"cat > /dev/null; touch {programs}/begun; sleep 0.5; touch {done}; echo '{{\"result\": 1}}'")
    monkeypatch.setattr(gateway, "_PYTHON", str(helper))
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    async def cancel() -> None:
        call = asyncio.ensure_future(gateway.call("create", {}))
        while not (programs / "begun").exists():
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancel())
    assert done.exists()
