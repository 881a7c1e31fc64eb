"""Programs that a person watches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bootstrap import foreground
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble


def test_an_interrupt_leaves_the_program_the_time_to_end_well(tmp_path: Path) -> None:
    """Standing in for a terminal, the program interrupts us; it goes on, and its own exit code is what counts."""
    program = f"import os, time; os.kill({os.getpid()}, {signal.SIGINT:d}); time.sleep(0.5); open('ended-well', 'w')"
    assert foreground.run(Checkout(tmp_path), [sys.executable, "-c", program]) == 0
    assert (tmp_path / "ended-well").exists()


def test_an_interrupt_in_the_moment_of_the_start_is_no_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("subprocess.Popen", Interrupted)
    assert foreground.run(Checkout(tmp_path), [sys.executable, "-c", "raise SystemExit(7)"]) == 7
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_failure_keeps_its_exit_code(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="failed") as trouble:
        foreground.must(Checkout(tmp_path), [sys.executable, "-c", "raise SystemExit(7)"])
    assert trouble.value.exit_code == 7


def test_programs_find_what_a_shell_finds_that_has_read_our_env(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/another")
    (tmp_path / ".soop").mkdir()
    (tmp_path / ".soop/env").write_text("export OURS='here it is'\n")
    ask = [sys.executable, "-c", "import os; print(os.environ['OURS'], os.environ.get('VIRTUAL_ENV'))"]
    assert foreground.output(Checkout(tmp_path), ask) == "here it is None\n"
    with pytest.raises(Trouble, match="failed"):
        foreground.output(Checkout(tmp_path), [sys.executable, "-c", "raise SystemExit(1)"])
