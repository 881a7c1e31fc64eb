from __future__ import annotations

from soop_components.errors import InvalidInput, SoopError


def test_a_message_does_nothing_to_a_terminal() -> None:
    error = SoopError("said:\r\n\tä \x1b[31m\0\u2028\ud800", "\x07")
    assert error.message == str(error.args[0]) == "said:\n\tä \\x1b[31m\\x00\\u2028\\ud800"
    assert str(error) == error.message + "\n  \\x07"
    assert InvalidInput(["a: \x1b"], "\x1b").problems == ("a: \\x1b",)


def test_mistakes_are_printed_as_far_as_somebody_reads_them() -> None:
    problems = InvalidInput(str(number) * 1000 for number in range(400)).problems
    assert problems[0] == "0" * 1000
    assert problems[10] == "10" * 500 + "…"
    assert problems[-1] == "100 more mistakes"
    assert len(problems) == 301
