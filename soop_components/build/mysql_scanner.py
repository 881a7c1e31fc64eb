"""Splits SQL into statements as the client of MariaDB does, with ``delimiter`` and none of its other commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from soop_components.build.sql_scanner import Unreadable

_TOKEN = re.compile(
    r"""
    (?P<space>\s++)
  | (?P<comment>(?:--(?=\s|\Z)|\#)[^\n]*+ | /\*(?![!M]).*?\*/)
  | (?P<quoted>'(?:[^'\\]|\\.|'')*+' | "(?:[^"\\]|\\.|"")*+" | `(?:[^`]|``)*+`)
  | (?P<conditional>/\*M?![0-9]*|\*/)
  | (?P<open>['"`]|/\*)
  | (?P<word>[\w$]++|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_DELIMITER = re.compile(r"delimiter[ \t]+(\S+)[^\n]*(?:\n|\Z)", re.IGNORECASE)
_OPEN = {"'": "string", '"': "string", "`": "name", "/*": "comment"}


class Statement(NamedTuple):
    """What ends with the delimiter."""

    line: int
    """Where its first word is."""
    text: str
    """Its words in lower case, a space after each, without quoted text and what is in parentheses."""


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements in order; ``Unreadable`` where the client could not follow."""
    position, delimiter = 0, ";"
    begun: int | None = None
    words: list[str] = []
    depth = 0
    while position < len(text):
        starts_line = position == 0 or text[position - 1] == "\n"
        if starts_line and begun is None and (changed := _DELIMITER.match(text, position)):
            delimiter, position = changed[1], changed.end()
            continue
        if text.startswith(delimiter, position):
            if begun is not None:
                yield Statement(_line(text, begun), "".join(f"{word} " for word in words))
            position, begun, words, depth = position + len(delimiter), None, [], 0
            continue
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup == "open":
            what = _OPEN[match[0]] if match else "text"
            raise Unreadable(_line(text, position), f"the {what} that begins here does not end")
        if match.lastgroup in ("word", "quoted", "conditional") and begun is None:
            begun = position
        if match.lastgroup in ("word", "quoted"):
            depth = max(0, depth - 1) if match[0] == ")" else depth
            if depth == 0:
                words.append(match[0].lower() if match.lastgroup == "word" else match[0][0] * 2)
            depth += match[0] == "("
        position = match.end()
    if begun is not None:
        raise Unreadable(_line(text, begun), f"the statement that begins here does not end: expected {delimiter}")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
