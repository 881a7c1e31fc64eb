"""Puts values in the place of marks, ``@@soop-node:<key>@@`` and ``@@soop-secret:<key>|<encoding>…@@``.

Encodings are applied from left to right:

    url      percent-encoded, as one part of a URL
    sql      an SQL literal, quotes included
    mysql    an SQL literal of MySQL and MariaDB, where a backslash escapes, quotes included
    php      a text of PHP in single quotes, quotes included
    html     text, or what goes between the quotes of an attribute
    sh       one word of a shell, quoted as far as needed
    systemd  what goes between double quotes in an EnvironmentFile (the quotes stand in the template)
    unit     what goes into a line of a unit: no percent sign begins a specifier
    json     a JSON string, quotes included
    fingerprint  four hexadecimal digits that change with the value
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from soop_components.runner.failure import Failure

_MARK = re.compile(r"@@soop-(?P<kind>secret|node):(?P<key>[a-z][a-z0-9_]*)(?P<encodings>(?:\|[a-z]+)*)@@")
_MYSQL = str.maketrans({"\0": r"\0", "\n": r"\n", "\r": r"\r", "\x1a": r"\Z", '"': r"\"", "'": "''", "\\": r"\\"})
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})

ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "url": lambda value: _quoted(value),
    "sql": lambda value: "'" + value.replace("'", "''") + "'",
    "mysql": lambda value: f"'{value.translate(_MYSQL)}'",
    "php": lambda value: "'" + re.sub(r"(['\\])", r"\\\1", value) + "'",
    "html": lambda value: value.translate(_HTML),
    "sh": shlex.quote,
    "systemd": lambda value: re.sub(r'(["\\`$])', r"\\\1", value),
    "unit": lambda value: value.replace("%", "%%"),
    "json": lambda value: json.dumps(value, ensure_ascii=False),
    "fingerprint": lambda value: _fingerprint(value),
}


def _quoted(value: str) -> str:
    from urllib.parse import quote

    return quote(value, safe="")


def _fingerprint(value: str) -> str:
    import hashlib

    return hashlib.sha256(value.encode()).hexdigest()[:4]


def encode(value: str, encodings: str) -> str:
    """Apply encodings written ``|url|sql``."""
    for name in filter(None, encodings.split("|")):
        if name not in ENCODINGS:
            raise Failure("plan", f"a mark asks for the unknown encoding {name!r}")
        value = ENCODINGS[name](value)
    return value


def holds_secret(text: str) -> bool:
    """Return whether a secret belongs into this text."""
    return any(found["kind"] == "secret" for found in _MARK.finditer(text))


def secrets_in(text: str) -> set[str]:
    """Return the keys of the secrets that belong into this text."""
    return {found["key"] for found in _MARK.finditer(text) if found["kind"] == "secret"}


def put_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Replace the marks of secrets; a key without a value is a failure that names it."""
    return _replace(text, "secret", secrets)


def put_node(value: Any, node: Mapping[str, str]) -> Any:
    """Replace the node's marks everywhere in a JSON value, keys included."""
    if isinstance(value, str):
        return _replace(value, "node", node) if "@@soop-node:" in value else value
    if isinstance(value, list):
        return [put_node(item, node) for item in value]
    if isinstance(value, dict):
        return {put_node(key, node): put_node(item, node) for key, item in value.items()}
    return value


def _replace(text: str, kind: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found["kind"] != kind:
            return found[0]
        if found["key"] not in values:
            what = "secret" if kind == "secret" else "node value"
            raise Failure("plan", f"the plan needs the {what} {found['key']!r}, which was not given")
        return encode(values[found["key"]], found["encodings"])

    return _MARK.sub(value, text)
