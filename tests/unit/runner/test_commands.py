from __future__ import annotations

import os
import subprocess
from pathlib import Path

from soop_components.runner.commands import Programs, Task, _Memory
from soop_components.runner.descendants import below


def shell(script: str, **more: object) -> Task:
    return Task(["/bin/sh", "-c", script], **more)


def test_a_command_gets_its_input_and_a_clean_environment() -> None:
    done = Programs().run(shell("cat; pwd; env", stdin=b"hello\n", environment={"GREETING": "hi"}))
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == ["hello", "/"]
    names = {line.split("=")[0] for line in lines[2:]}
    assert names <= {"PATH", "LANG", "HOME", "USER", "LOGNAME", "GREETING", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "GREETING" in names


def test_what_it_says_and_how_it_ends_comes_back() -> None:
    done = Programs().run(shell("echo out; echo err >&2; exit 3"))
    assert (done.exit_code, done.stdout, done.stderr, done.timed_out) == (3, "out\n", "err\n", False)
    assert done.command == "/bin/sh -c 'echo out; echo err >&2; exit 3'"


def test_lines_are_shown_once() -> None:
    lines: list[str] = []
    Programs().run(shell("echo one; sleep 0.4; printf 'two\\nthr'; sleep 0.4; echo ee", on_line=lines.append))
    assert lines == ["one", "two", "three"]


def test_of_much_output_only_the_end_is_kept() -> None:
    lines: list[str] = []
    script = "yes line | head -c 40000000; sleep 0.2; yes | tr -d '\\n' | head -c 40000000; sleep 0.2; echo; echo end"
    done = Programs().run(shell(f"({script}) | tee /dev/stderr", on_line=lines.append))
    for text in (done.stdout, done.stderr):
        assert len(text) <= 16 << 20
        assert text.endswith("y\nend\n")
    assert lines[-1] == "end"
    assert set(lines[:-1]) <= {"line", ""}, "no line is shown in part"


def test_the_memory_of_much_output_is_given_back() -> None:
    with _Memory() as output:
        for number in range(40):
            os.write(output.descriptor, bytes([number]) * (1 << 20))
            output.forget()
        assert os.fstat(output.descriptor).st_blocks * 512 <= 17 << 20
        assert output.bytes()[-1] == 39
        assert len(output.bytes(0)) <= 17 << 20
        assert output.bytes(39 << 20) == bytes([39]) * (1 << 20)


def test_a_command_that_takes_too_long_is_killed() -> None:
    done = Programs().run(shell("echo begun; sleep 60", timeout=3))
    assert done.timed_out
    assert done.exit_code == -9
    assert done.stdout == "begun\n"


def test_nothing_that_was_left_behind_holds_us_up() -> None:
    done = Programs().run(shell("sleep 2 & echo done"))
    assert done.stdout == "done\n"


def test_alone_ends_even_what_hides_in_a_session_of_its_own(tmp_path: Path) -> None:
    mine = subprocess.Popen(["sleep", "60"])
    try:
        child = f"echo $$ > {tmp_path}/pid; exec sleep 60"
        script = f"setsid sh -c '{child}' & while ! test -s {tmp_path}/pid; do sleep 0.01; done"
        done = Programs().run(shell(script, alone=True))
        assert done.exit_code == 0
        pid = int((tmp_path / "pid").read_text())
        assert pid not in below(os.getpid())
        assert not Path(f"/proc/{pid}").exists()
        assert mine.poll() is None, "what was there before stays"
    finally:
        mine.kill()
        mine.wait()


def test_alone_ends_all_when_time_is_up(tmp_path: Path) -> None:
    done = Programs().run(shell(f"setsid sleep 60 & echo $! > {tmp_path}/pid; sleep 60", alone=True, timeout=3))
    assert done.timed_out
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()
