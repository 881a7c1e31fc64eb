"""The filters that put a value into another language, secrets included: the runner encodes those likewise."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from soop_components.planning import marks
from soop_components.planning.filters import data, text

_WHOLE_SECRET = re.compile(r'(?<!\\)"(@@soop-secret:[a-z0-9_]+(?:\|[a-z]+)*)@@"')
"""A secret that is a whole string of JSON."""
_MYSQL = {"\0": r"\0", "\n": r"\n", "\r": r"\r", "\x1a": r"\Z", '"': r"\"", "'": "''", "\\": r"\\"}
"""Escapes of a MySQL literal, those that its command line would read otherwise included."""


def sh(value: object) -> str:
    """Return one word of a shell."""
    whole = text(value)
    return marks.encode(whole, "sh", lambda part: shlex.quote(part) if part or not whole else "")


def json_(value: object) -> str:
    """Return JSON on one line; a secret in it must be a whole string."""
    found = json.dumps(data(value), ensure_ascii=False)
    if marks.holds_secret(_WHOLE_SECRET.sub("", found)):
        raise marks.LooksInside
    return marks.marked(_WHOLE_SECRET.sub(r"\1|json@@", found))


def fingerprint(value: str) -> str:
    """Return four digits that change with a text: a name for what belongs to a password, and no help in guessing it."""
    return hashlib.sha256(value.encode()).hexdigest()[:4]


def url(value: object) -> str:
    """Return one part of a URL."""
    return marks.encode(text(value), "url", lambda part: quote(part, safe=""))


def mysql(value: object) -> str:
    """Return an SQL literal of MySQL and MariaDB, where a backslash escapes."""
    escapes = str.maketrans(_MYSQL)
    return marks.encode_whole(text(value), "mysql", lambda part: f"'{part.translate(escapes)}'")


def php(value: object) -> str:
    """Return a text of PHP in single quotes, in which nothing but quote and backslash means anything."""
    return marks.encode_whole(text(value), "php", lambda part: "'" + re.sub(r"(['\\])", r"\\\1", part) + "'")


ENCODINGS: dict[str, Callable[[Any], str]] = {
    "sql": lambda value: marks.encode_whole(text(value), "sql", lambda part: "'" + part.replace("'", "''") + "'"),
    "sh": sh,
    "systemd": lambda value: marks.encode(text(value), "systemd", lambda part: re.sub(r'(["\\`$])', r"\\\1", part)),
    "unit": lambda value: marks.encode(text(value), "unit", lambda part: part.replace("%", "%%")),
    "fingerprint": lambda value: marks.encode_whole(text(value), "fingerprint", fingerprint),
    "mysql": mysql,
    "php": php,
    "html": lambda value: marks.encode(text(value), "html", html.escape),
    "url": url,
    "urlencode": url,
    "json": json_,
    "tojson": json_,
}
"""What puts a value into another language: an SQL literal, one word of a shell, what goes between double quotes in an
``EnvironmentFile``, a line of a unit without specifiers, a literal of MySQL, a text of PHP, text or a quoted attribute
of HTML, one part of a URL, JSON on one line.

Secrets are encoded by the runner, when it knows them.
"""
