"""What a checkout is made ready with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from bootstrap import engine, foreground, python_environment, setup
from bootstrap.checkout import Checkout

from soop_components.setup import system_packages


@pytest.mark.parametrize(("tests", "bases"), [(False, []), (True, ["debian-12", "debian-13"])])
def test_only_tests_get_extras_and_a_base_image_that_no_service_definition_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tests: bool, bases: list[str]
) -> None:
    commands: list[Sequence[str]] = []
    monkeypatch.setattr(system_packages, "ensure", lambda checkout, packages: None)
    monkeypatch.setattr(python_environment, "ensure", lambda checkout: None)
    monkeypatch.setattr(python_environment, "ensure_extras", lambda checkout: commands.append(["extras"]))
    monkeypatch.setattr(engine, "ensure", lambda checkout: None)
    monkeypatch.setattr(foreground, "must", lambda checkout, argv: commands.append(argv))
    setup.run(Checkout(tmp_path), tests=tests)
    assert commands == [*([["extras"]] if tests else []), [str(tmp_path / ".venv/bin/soop"), "setup", *bases]]
