from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soop_components.errors import InvalidInput
from soop_components.reading.yaml_file import MAXIMUM_DEPTH, MAXIMUM_SIZE, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("22:30", "22:30"),
        ("2026-11-23", "2026-11-23"),
        ("0644", "0644"),
        ("1_000", "1_000"),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("=", "="),
        ("<<", "<<"),
        ("3.2.3", "3.2.3"),
        ("'8080'", "8080"),
        ('"true"', "true"),
        ("8080", 8080),
        ("-1", -1),
        ("0", 0),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("9" * 40, 10**40 - 1),
        ("9" * 400, "9" * 400),
        ("[a, [1]]", ["a", [1]]),
        ("{a: {b: []}, 1: x, true: y}", {"a": {"b": []}, "1": "x", "true": "y"}),
        ("|\n a\n b\n", "a\nb\n"),
    ],
)
def test_a_value_is_what_it_looks_like(text: str, value: object) -> None:
    assert parse_yaml(text, "x").data == value


@pytest.mark.parametrize(
    ("spelled", "read"),
    [
        ("3.10", "the number 3.1"),
        ("1e3", "the number 1000.0"),
        ("0x1F", "the number 31"),
        (".5", "the number 0.5"),
        ("1.", "the number 1.0"),
        ("+1", "the number 1"),
        ("-0", "the number 0"),
        ("1.0e-5", "the number 1e-05"),
        ("100000000000000000.0", "the number 1e+17"),
        ("0.1000000000000000055", "the number 0.1"),
        ("TRUE", "true"),
        ("False", "false"),
    ],
)
def test_what_would_change_its_spelling_is_reported(spelled: str, read: str) -> None:
    document = parse_yaml(f"a: {{b: [x, {spelled}]}}", "x")
    written = read.removeprefix("the number ")
    what = f"{spelled} is read as {read}; write it in quotes if it is text, or as {written}"
    assert [problem.line("x") for problem in document.respelled] == [f"x: a.b[1]: {what}"]
    assert parse_yaml(f"a: {{b: [x, {written}], {spelled}: '{spelled}'}}", "x").respelled == []


@pytest.mark.parametrize(
    "text", ["8080", "-1", "0", "1.0", "3.1", "true", "null", "~", "010", "1_000", "yes", "2026-01-01", "1e999"]
)
def test_what_keeps_its_spelling_or_is_never_text_is_not_reported(text: str) -> None:
    assert parse_yaml(f"a: {text}", "x").respelled == []


@pytest.mark.parametrize(
    "text",
    ["010", "09", "-0x_1F", "0o17", "0b11", "1_000", "1_0.5", ".5_0", "1e999", ".inf", "-.INF", ".nan", "2026-1-1"],
)
def test_text_that_pulumi_reads_as_something_else_is_noted(text: str) -> None:
    document = parse_yaml(f"a: [{text}, '{text}', {text}:0, x{text}]", "x")
    what = f"Pulumi reads {text} as a number or a date; write it in quotes if it is text"
    assert [problem.line("x") for problem in document.no_text_to_pulumi] == [f"x: a[0]: {what}"]


def test_the_first_of_repeated_keys_counts_and_all_are_reported() -> None:
    document = parse_yaml("a: 1\nb:\n  - {c: 1, c: {d: 1, d: 2}}\na: 2\na: 3\n", "x.yaml")
    assert document.data == {"a": 1, "b": [{"c": 1}]}
    assert document.problems == [
        "x.yaml: b[0].c: line 3 repeats the key of line 3",
        "x.yaml: b[0].c.d: line 3 repeats the key of line 3",
        "x.yaml: a: line 4 repeats the key of line 1",
        "x.yaml: a: line 5 repeats the key of line 1",
    ]


def refusal(content: bytes | str) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse_yaml(content, "x")
    (problem,) = caught.value.problems
    return problem


def test_size_is_limited() -> None:
    assert refusal("#" * (MAXIMUM_SIZE + 1)) == "x: expected at most 1 MiB of YAML"
    assert parse_yaml("#" * MAXIMUM_SIZE, "x").data is None


@pytest.mark.parametrize("text", ["a,", "a: b,", "[],"])
def test_the_number_of_values_is_limited(text: str) -> None:
    begin, end = ("{", "}") if ":" in text else ("[", "]")
    assert refusal(begin + text * 100_000 + end) == "x: line 1: expected at most 50000 keys and values"
    assert parse_yaml(begin + text * 20_000 + end, "x").data


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
def test_depth_is_limited(opening: str) -> None:
    assert "x: line 1: " in refusal(opening * 100_000)


def test_the_deepest_that_is_allowed() -> None:
    assert parse_yaml("[" * MAXIMUM_DEPTH + "]" * MAXIMUM_DEPTH, "x").data
    assert "levels deep" in refusal("[" * (MAXIMUM_DEPTH + 1) + "]" * (MAXIMUM_DEPTH + 1))


def test_not_text() -> None:
    assert refusal(b"a: \xff") == "x: expected UTF-8 text (byte 3 is not)"
    assert refusal("a: \x07") == "x: not YAML: character U+0007 is not allowed"


def test_byte_order_mark() -> None:
    assert parse_yaml(b"\xef\xbb\xbfa: 1", "x").data == {"a": 1}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"^f: no such file$"):
        read_yaml(tmp_path / "nowhere", "f")
    with pytest.raises(InvalidInput, match=r"^f: cannot be read: Is a directory$"):
        read_yaml(tmp_path, "f")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet=st.sampled_from(list("ab:-?[]{},&*!|>'\"%@` \n\t#0.e~<=\x07\u2028")), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse_yaml(text, "x")
