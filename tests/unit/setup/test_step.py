"""Long steps: what is shown of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.setup import step


def test_a_step_says_what_it_does_and_keeps_the_output_to_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step.run("counting", [sys.executable, "-c", "print('one two')"], tmp_path / "log" / "count.log")
    assert re.fullmatch(r"counting …\ncounting: \d+ s\n", capsys.readouterr().out)
    assert (tmp_path / "log" / "count.log").read_text() == "one two\n"


def test_a_step_shows_that_it_is_alive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "QUIET", 0.05)
    step.run("waiting", [sys.executable, "-c", "import time; time.sleep(0.3)"], tmp_path / "log")
    assert re.search(r"^waiting … \d+ s$", capsys.readouterr().out, re.MULTILINE)


def test_a_failure_shows_the_tail_of_the_output_and_where_the_rest_is(tmp_path: Path) -> None:
    program = "import sys; [print('line', n) for n in range(100)]; sys.exit('no room left')"
    with pytest.raises(SoopError) as error:
        step.run("filling", [sys.executable, "-u", "-c", program], tmp_path / "fill.log")
    message = str(error.value)
    assert message.startswith("filling: failed with exit code 1")
    assert "  no room left" in message
    assert "line 99" in message
    assert "line 50\n" not in message
    assert message.endswith(str(tmp_path / "fill.log"))
