"""YAML without surprises: one way to write each value, bounded in size and depth, every repeated key a mistake.

Plain values follow the YAML 1.2 core schema (``yes``, ``on``, ``22:30`` and dates are text). A number that starts with
a superfluous zero, ``0644``, is text too: nobody means 644 or 420 by it without saying so. A number or boolean that
would be written otherwise than it is spelled, ``3.10`` or ``0x1F``, is a mistake: it may be meant as text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from soop_components.errors import InvalidInput
from soop_components.model.names import shown
from soop_components.model.problem import Keys, Problem, path_text
from soop_components.reading.regular_file import read_regular_file

MAXIMUM_SIZE = 1024 * 1024
MAXIMUM_DEPTH = 40
MAXIMUM_VALUES = 50_000
"""Keys, values, mappings and lists: a file of 1 MiB could have twenty times as many, and takes long to check then."""
MAXIMUM_PROBLEMS = 100
"""Mistakes of one file that are reported."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,300})")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*|(?=[eE])))(?:[eE][-+]?[0-9]{1,3})?")
_NO_TEXT_TO_PULUMI = re.compile(
    r"[-+]?(?:0[xXoObB][0-9a-fA-F_]+|\.?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))"
    r"|\.(?:nan|NaN|NAN)|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"
)
"""Numbers and dates of Go's YAML."""
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass
class Document:
    """What a YAML text says."""

    data: Any = None
    problems: list[str] = field(default_factory=list)
    """The repeated keys; the first one counts."""
    respelled: list[Problem] = field(default_factory=list)
    """Numbers and booleans that would be written otherwise than they are spelled."""
    no_text_to_pulumi: list[Problem] = field(default_factory=list)
    """Text here that Pulumi reads as something else."""
    lines: dict[Keys, int] = field(default_factory=dict)
    """The line of each key and each item of a list."""


@dataclass
class _Open:
    """A mapping or a list that is still being read."""

    value: dict[Any, Any] | list[Any]
    key: Any = None
    has_key: bool = False
    lines: dict[Any, int] = field(default_factory=dict)


def read_yaml(path: Path, label: str) -> Document:
    """Read a YAML file of at most 1 MiB; ``label`` is its name in messages."""
    try:
        content = read_regular_file(path, MAXIMUM_SIZE + 1)
    except FileNotFoundError:
        raise InvalidInput([f"{label}: no such file"]) from None
    except OSError as error:
        raise InvalidInput([f"{label}: cannot be read: {error.strerror}"]) from None
    return parse_yaml(content, label)


def parse_yaml(content: bytes | str, label: str) -> Document:
    """Parse one YAML document; raise ``InvalidInput`` for what is not YAML or not allowed in it."""
    raw = content.encode() if isinstance(content, str) else content
    if len(raw) > MAXIMUM_SIZE:
        raise InvalidInput([f"{label}: expected at most 1 MiB of YAML"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput([f"{label}: expected UTF-8 text (byte {error.start} is not)"]) from None
    try:
        return _Reader(label).read(text)
    except yaml.MarkedYAMLError as error:
        raise InvalidInput([_syntax_problem(label, error)]) from None
    except yaml.reader.ReaderError as error:
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise InvalidInput([f"{label}: not YAML: character U+{code:04X} is not allowed"]) from None


def _syntax_problem(label: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{label}: {where}not YAML: {error.problem or error.context}"


def _scalar(event: Any) -> Any:
    """Return the value of a scalar: text if it is quoted or looks like nothing else."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


class _Reader:
    """Puts a document together out of the parser's events, without recursion."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._document = Document()
        self._open: list[_Open] = []
        self._documents = 0
        self._values = 0

    def read(self, text: str) -> Document:
        for event in yaml.parse(text, Loader=_Loader):
            self._check(event)
            if isinstance(event, yaml.ScalarEvent):
                self._add(_scalar(event), event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._begin({}, event)
            elif isinstance(event, yaml.SequenceStartEvent):
                self._begin([], event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._open.pop()
        return self._document

    def _refuse(self, event: Any, what: str) -> InvalidInput:
        return InvalidInput([f"{self._label}: line {event.start_mark.line + 1}: {what}"])

    def _check(self, event: Any) -> None:
        """Refuse aliases, anchors, tags, a second document, and more values than anybody writes."""
        self._values += isinstance(event, yaml.NodeEvent)
        if self._values > MAXIMUM_VALUES:
            raise self._refuse(event, f"expected at most {MAXIMUM_VALUES} keys and values")
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refuse(event, "expected one document (a second one starts here)")
        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(event, f"alias *{shown(str(event.anchor))} is not allowed; write the value out")
        if getattr(event, "anchor", None):
            raise self._refuse(event, f"anchor &{shown(event.anchor)} is not allowed; write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._refuse(event, f"tag {shown(tag)} is not allowed")

    def _begin(self, value: dict[Any, Any] | list[Any], event: Any) -> None:
        if len(self._open) >= MAXIMUM_DEPTH:
            raise self._refuse(event, f"nested more than {MAXIMUM_DEPTH} levels deep")
        parent = self._open[-1] if self._open else None
        if parent is not None and isinstance(parent.value, dict) and not parent.has_key:
            raise self._refuse(event, "expected a key, not a mapping or a list (quote a template that starts with {{)")
        self._add(value, event)
        self._open.append(_Open(value))

    def _keys(self) -> Keys:
        """Return the keys to what was read last."""
        return tuple(len(each.value) - 1 if isinstance(each.value, list) else str(each.key) for each in self._open)

    def _add(self, value: Any, event: Any) -> None:
        """Put a finished or just opened value where it belongs."""
        if not self._open:
            self._document.data = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
            self._document.lines[self._keys()] = event.start_mark.line + 1
            self._compare(value, event)
        elif parent.has_key:
            parent.value.setdefault(parent.key, value)
            parent.has_key = False
            self._compare(value, event)
        else:
            self._take_key(parent, value, event)

    def _compare(self, value: Any, event: Any) -> None:
        """Note a number or boolean that is spelled otherwise than it would be written, and what others take for one."""
        found = self._document.no_text_to_pulumi
        if isinstance(value, str) and event.implicit[0] and _NO_TEXT_TO_PULUMI.fullmatch(value):
            if len(found) < MAXIMUM_PROBLEMS:
                what = f"Pulumi reads {value} as a number or a date; write it in quotes if it is text"
                found.append(Problem(self._keys(), what))
            return
        if not isinstance(value, int | float) or len(self._document.respelled) >= MAXIMUM_PROBLEMS:
            return
        written = str(value).lower() if isinstance(value, bool) else str(value)
        if event.value != written:
            kind = "" if isinstance(value, bool) else "the number "
            what = f"{event.value} is read as {kind}{written}; write it in quotes if it is text, or as {written}"
            self._document.respelled.append(Problem(self._keys(), what))

    def _take_key(self, parent: _Open, key: Any, event: Any) -> None:
        line = event.start_mark.line + 1
        parent.key, parent.has_key = key if isinstance(key, str) else event.value, True
        first = parent.lines.setdefault(parent.key, line)
        self._document.lines.setdefault(self._keys(), line)
        problems = self._document.problems
        if first == line and parent.key not in parent.value:
            return
        if len(problems) < MAXIMUM_PROBLEMS:
            problems.append(f"{self._label}: {path_text(self._keys())}: line {line} repeats the key of line {first}")
        elif len(problems) == MAXIMUM_PROBLEMS:
            problems.append(f"{self._label}: line {line}: more keys are repeated")
