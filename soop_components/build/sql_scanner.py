"""Splits SQL into statements as PostgreSQL does; the lexical rules are those of its psqlscan.l and scan.l.

Ours, because others read some files otherwise: of the 57 texts in this module's tests sqlglot 30.30 splits 12 wrongly,
sqlparse 0.6 18; PostgreSQL's own parser (pglast is GPL, postgast is new) knows no data after ``COPY … FROM stdin``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LETTER = "A-Za-z_\u0080-\U0010ffff"
_BETWEEN = r"(?:[ \t\f\v]|--[^\n\r]*)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*+'"
"""From one piece of a string to the next: white space with a line end in it, and comments."""
_ESCAPED = r"[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
_TOKEN = re.compile(
    rf"""
    (?P<space>[ \t\n\r\f\v]++)
  | (?P<comment>--[^\n\r]*+)
  | (?P<quoted>[eE]'{_ESCAPED}(?:{_BETWEEN}{_ESCAPED})*+ | (?:[uU]&|[bBxXnN])?'[^']*+(?:''[^']*+)*+'
             |(?:[uU]&)?"[^"]*+(?:""[^"]*+)*+")
  | (?P<dollar>\$(?:[{_LETTER}][{_LETTER}0-9]*+)?\$)
  | (?P<other>[eE]'|/\*)
  | (?P<word>[{_LETTER}][{_LETTER}0-9$]*+|\$?[0-9]++|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NESTING = re.compile(r"/\*|\*/")
_FUNCTION = re.compile(r"create (?:or replace )?(?:function|procedure) ")
_COPY = re.compile(r"copy .*from stdin ")
_REST_OF_LINE = re.compile(r"[ \t\r\f\v]*(?:--[^\n\r]*\r?)?")
_END_OF_DATA = re.compile(r"^\\\.\r?$", re.MULTILINE)
_REFUSED = {
    "'": "the string that begins here does not end",
    '"': "the name that begins here does not end",
    "\\": "expected SQL; psql's commands, which begin with \\, are not carried out",
    "\0": "expected text (got a zero byte)",
}


class Unreadable(Exception):
    """The line from which on PostgreSQL could not follow, and why."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


@dataclass(frozen=True)
class Statement:
    """What ends with a semicolon or with the file."""

    line: int
    """Where its first word is."""
    text: str
    """Its words in lower case, a space after each, without quoted text that is no word and what is in parentheses,
    except for the options of ``REINDEX``."""
    is_inside: bool
    """Whether it goes on in a function's body without quotes, which began in a statement before."""


class Scanner:
    """Reads one file from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self.comments: list[tuple[int, str]] = []
        """The ``--`` comments so far, by line."""
        self._text = text
        self._position = 0
        self._line = 1
        self._words: list[str] = []
        self._previous = ""
        self._parentheses = 0
        self._blocks = 0
        """How many ``BEGIN ATOMIC``, and inside of it ``CASE``, wait for their ``END``."""

    def statements(self) -> Iterator[Statement]:
        """Yield the statements in order; ``Unreadable`` ends it early."""
        begun, inside = 0, False
        for line, word in self._tokens():
            if word != ";" or self._parentheses:
                begun = begun or line
                self._follow(word)
                continue
            statement = Statement(begun, self._joined(), inside)
            if statement.text:
                yield statement
            inside = self._blocks > 0
            if not inside and _COPY.match(statement.text):
                self._skip_data()
            begun, self._words = 0, []
        if self._words:
            yield Statement(begun, self._joined(), inside)

    def _joined(self) -> str:
        return "".join(f"{word} " for word in self._words)

    def _tokens(self) -> Iterator[tuple[int, str]]:
        """Yield words, single characters, and what stands for strings and quoted names, each with its line."""
        while match := _TOKEN.match(self._text, self._position):
            kind, found, line = match.lastgroup, match[0], self._line
            self._go_to(match.end())
            if kind == "comment":
                self.comments.append((line, found))
            elif kind == "dollar":
                self._go_behind(found, line, f"the string that begins here with {found} does not end")
                yield line, "''"
            elif kind == "quoted":
                yield line, found.lower() if re.fullmatch(r"(['\"])\w*\1", found) else found[-1] * 2
            elif found == "/*":
                self._skip_comment(line)
            elif found[-1] in _REFUSED:
                raise Unreadable(line, _REFUSED[found[-1]])
            elif kind == "word":
                yield line, found.lower() if found.isascii() else found

    def _follow(self, word: str) -> None:
        """Take a word, and keep count of what it opens and closes."""
        if word == ")":
            self._parentheses = max(0, self._parentheses - 1)
        if self._parentheses == 0 or self._words[0] == "reindex":
            self._words.append(word)
        if word == "(":
            self._parentheses += 1
        elif self._blocks == 0:
            if word == "atomic" and self._previous == "begin" and _FUNCTION.match(" ".join(self._words[:5])):
                self._blocks = 1
        elif word in ("case", "end") and self._previous not in (".", "as"):
            self._blocks += 1 if word == "case" else -1
        self._previous = word

    def _skip_comment(self, line: int) -> None:
        depth = 1
        while depth:
            match = _NESTING.search(self._text, self._position)
            if match is None:
                raise Unreadable(line, "the comment that begins here does not end; comments inside it count as well")
            depth += 1 if match[0] == "/*" else -1
            self._go_to(match.end())

    def _skip_data(self) -> None:
        """Pass the lines that ``COPY`` takes, up to ``\\.`` or the end of the file."""
        end = self._text.find("\n", self._position)
        if not _REST_OF_LINE.fullmatch(self._text, self._position, end if end >= 0 else len(self._text)):
            raise Unreadable(self._line, "expected nothing after COPY … FROM stdin; its data begins in the next line")
        match = _END_OF_DATA.search(self._text, end + 1) if end >= 0 else None
        self._go_to(match.end() if match else len(self._text))

    def _go_behind(self, mark: str, line: int, otherwise: str) -> None:
        found = self._text.find(mark, self._position)
        if found < 0:
            raise Unreadable(line, otherwise)
        self._go_to(found + len(mark))

    def _go_to(self, position: int) -> None:
        self._line += self._text.count("\n", self._position, position)
        self._position = position
