"""What `make lint` and `make test` run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from bootstrap import checks, foreground, go_checks, language_host, setup
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble

ROOT = Path(__file__).parents[3]
PYTHON_LINT = ["ruff check", "ruff format", "mypy"]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was run; nothing is."""
    commands: list[str] = []

    def run(checkout: Checkout, argv: Sequence[str]) -> int:
        commands.append(" ".join(argv))
        return 0

    monkeypatch.setattr(foreground, "run", run)
    monkeypatch.setattr(setup, "run", lambda checkout, *, tests=False: None)
    monkeypatch.setattr(go_checks, "lint", lambda checkout: commands.append("go lint"))
    monkeypatch.setattr(go_checks, "test", lambda checkout: commands.append("go test"))
    return commands


def starts(commands: Sequence[str]) -> list[str]:
    return [" ".join(command.split()[:2]).removesuffix(" .") for command in commands]


@pytest.mark.parametrize(("built", "more"), [(True, ["go lint"]), (False, [])])
def test_go_is_checked_where_the_language_host_is_built(
    ran: list[str], monkeypatch: pytest.MonkeyPatch, built: bool, more: list[str]
) -> None:
    monkeypatch.setattr(language_host, "is_built", lambda checkout: built)
    checks.lint(Checkout(ROOT))
    assert starts(ran) == PYTHON_LINT + more


def test_all_tests_run_where_the_language_host_is_built(ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_host, "is_built", lambda checkout: True)
    with pytest.raises(SystemExit):
        checks.test(Checkout(ROOT))
    assert ran[-2:] == ["go test", "python -m pytest -n 2"]


def test_with_an_installed_pulumi_the_tests_of_our_language_host_are_left_out_and_that_is_said(
    ran: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(language_host, "is_built", lambda checkout: False)
    with pytest.raises(SystemExit):
        checks.test(Checkout(ROOT))
    assert "go test" not in ran
    assert ran[-1] == "python -m pytest -n 2 --ignore=tests/engine/language_host"
    assert "`make toolchain` builds it" in capsys.readouterr().out
    assert (ROOT / language_host.TESTS).is_dir()


def test_a_test_on_machines_of_somebody_is_never_run_unasked(ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    with pytest.raises(Trouble, match="make test-real ENVIRONMENT=stacks/environments/FILE"):
        checks.test_real(Checkout(ROOT))
    monkeypatch.setenv("ENVIRONMENT", "nowhere.yaml")
    with pytest.raises(Trouble, match=r"no environment's file nowhere\.yaml"):
        checks.test_real(Checkout(ROOT))
    assert ran == []
    monkeypatch.setenv("ENVIRONMENT", str(ROOT / "stacks/environments/test.yaml"))
    with pytest.raises(SystemExit):
        checks.test_real(Checkout(ROOT))
    assert ran == ["python -m pytest tests/elsewhere/life.py"]


def test_checks_of_a_host_whose_go_is_gone_say_what_they_need(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bootstrap.go_module.find_go", lambda checkout: None)
    with pytest.raises(Trouble, match=r"needs Go 1\.\d+"):
        go_checks.test(Checkout(ROOT))
