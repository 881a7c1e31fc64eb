"""The root helper as it is called: a program apart from any Python environment, JSON in and JSON out."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from soop_components.machines.local import gateway

HELPER = Path(gateway.__file__).parent / "root_helper"


def call(verb: str, stdin: str, **environment: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-B", HELPER, verb],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/nowhere", **environment},
        cwd="/",
    )
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = Path(os.path.realpath(tmp_path)) / ".soop"
    home.mkdir(mode=0o700)
    return home


def test_an_empty_realm_has_no_machines(home: Path) -> None:
    names = ["web-1.access-service.dev-access"]
    request = {"home": str(home), "realm": "0123abcd", "names": names}
    assert call("status", json.dumps(request)) == (0, {"result": {}})
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("verb", ["", "status; reboot", "--help", "__init__", "eval"])
def test_unknown_verbs_are_refused(verb: str) -> None:
    code, answer = call(verb, "{}")
    assert code == 1
    assert answer["error"]["message"].startswith("expected one of create, start")


@pytest.mark.parametrize(
    "stdin", ["", "nonsense", "[]", "null", "7", '{"home": "/"}', "{" * 100_000, '"' + "x" * 2**21]
)
def test_requests_that_are_none_are_refused(stdin: str) -> None:
    code, answer = call("status", stdin)
    assert code == 1
    assert "request" in answer["error"]["message"] or "Recursion" in answer["error"]["message"]


def test_an_unknown_key_is_refused(home: Path) -> None:
    request = {"home": str(home), "realm": "0123abcd", "name": "web-1.access-service.dev-access", "force": True}
    code, answer = call("destroy", json.dumps(request))
    assert code == 1
    assert answer["error"]["message"] == "request: expected an object with home, name, realm"


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("start", {"name": "../../../etc"}),
        ("stop", {"name": "a/b.c.dev-access"}),
        ("destroy", {"name": ""}),
        ("disk-create", {"disk": "/dev/sda", "size": 2**30}),
        ("disk-destroy", {"disk": ".."}),
        ("disk-destroy", {"disk": None}),
        ("status", {"names": ["x" * 1000]}),
        ("status", {"names": "all"}),
    ],
)
def test_hostile_names_touch_nothing(home: Path, verb: str, fields: dict[str, Any]) -> None:
    code, answer = call(verb, json.dumps({"home": str(home), "realm": "0123abcd", **fields}))
    assert code == 1
    assert "error" in answer
    assert list(home.iterdir()) == []


def test_the_caller_that_sudo_names_must_own_the_home(home: Path) -> None:
    request = {"home": str(home), "realm": "0123abcd", "names": []}
    other = str(os.getuid() + 1)
    code, answer = call("status", json.dumps(request), SUDO_UID=other, SUDO_GID=other)
    assert code == 1
    assert "somebody else" in answer["error"]["message"]
