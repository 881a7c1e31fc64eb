from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from soop_components.engine.process import run_in_terminal

HERE = Path(__file__).parent
ENVIRONMENT = dict(os.environ)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_passes_exit_codes_on() -> None:
    assert run_in_terminal(python("raise SystemExit(7)"), HERE, ENVIRONMENT) == 7
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert run_in_terminal(python(suicide), HERE, ENVIRONMENT) == 128 + signal.SIGKILL


def test_output_of_strangers_does_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    program = "import os; os.write(1, b'\\x1b[2Jgr\\xc3'); os.write(1, b'\\xbcn\\xff\\n'); os.write(2, b'\\x07no\\n')"
    assert run_in_terminal(python(program + "; os._exit(3)"), HERE, ENVIRONMENT, harmless=True) == 3
    assert capfd.readouterr() == ("\\x1b[2Jgrün�\n", "\\x07no\n")


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A file that is there when the program is."""
    return tmp_path / "ready"


def ends_in_order(ready: Path) -> list[str]:
    return python(
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(60)\n"
    )


def strike(ready: Path) -> None:
    while not ready.exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_termination_is_handed_on_and_outlived(ready: Path) -> None:
    """Pulumi then ends its update in order, and we still learn how it went."""
    striker = threading.Thread(target=strike, args=[ready])
    striker.start()
    assert run_in_terminal(ends_in_order(ready), HERE, ENVIRONMENT) == 5
    striker.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_termination_that_comes_while_the_program_starts_reaches_it(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            strike(ready)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    assert run_in_terminal(ends_in_order(ready), HERE, ENVIRONMENT) == 5


def test_interrupts_are_the_programs_business() -> None:
    program = "import os, signal; os.kill(os.getppid(), signal.SIGINT); print(signal.getsignal(signal.SIGINT))"
    assert run_in_terminal(python(program), HERE, ENVIRONMENT) == 0
