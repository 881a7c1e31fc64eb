"""What .venv is made from."""

from __future__ import annotations

from pathlib import Path

import pytest
from bootstrap import python_environment
from bootstrap.checkout import Checkout


@pytest.mark.parametrize("in_use", [False, True])
def test_what_an_extra_needs_stays_where_somebody_has_installed_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_use: bool
) -> None:
    said: list[str] = []
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    (packages / "pulumi_aws" if in_use else packages).mkdir(parents=True)
    for name in ("pyproject.toml", "requirements.txt", "requirements-aws.txt", "toolchain/uv.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    for check in ("_runs", "_has_pinned_uv"):
        monkeypatch.setattr(python_environment, check, lambda _: True)
    monkeypatch.setattr(python_environment, "_uv", lambda checkout, title, words: said.append(words))
    python_environment.ensure(Checkout(tmp_path))
    extras = " requirements-aws.txt" if in_use else ""
    assert said[0] == f"sync --require-hashes toolchain/uv.txt requirements.txt{extras}"

    said.clear()
    python_environment.ensure(Checkout(tmp_path))
    assert said == []
    (tmp_path / "requirements-aws.txt").write_text("pulumi-aws==9\n")
    python_environment.ensure(Checkout(tmp_path))
    assert bool(said) == in_use
