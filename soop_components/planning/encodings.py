"""The filters that put text into another language. Secrets in it are encoded by the runner, when it knows them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import quote

from jinja2 import Undefined

from soop_components.planning import filters, marks


def sql(value: object) -> str:
    """Return an SQL literal."""
    return filters.paid(
        marks.encode_whole(filters.text(value), "sql", lambda part: "'" + part.replace("'", "''") + "'")
    )


def sh(value: object) -> str:
    """Return one word of a shell."""
    whole = filters.text(value)
    if not isinstance(whole, marks.Marked):
        return filters.paid(shlex.quote(whole))
    return filters.paid(marks.encode(whole, "sh", lambda part: shlex.quote(part) if part else ""))


def systemd(value: object) -> str:
    """Return what goes between double quotes in an ``EnvironmentFile``."""
    return filters.paid(marks.encode(filters.text(value), "systemd", _escape))


def url(value: object) -> str:
    """Return one part of a URL, percent-encoded."""
    return filters.paid(marks.encode(filters.text(value), "url", lambda part: quote(part, safe="")))


def json_(value: object) -> str:
    """Return JSON on one line; a secret in it must be a whole string."""
    if isinstance(value, Undefined):
        str(value)  # raises
    if isinstance(value, str):
        return filters.paid(
            marks.encode_whole(filters.text(value), "json", lambda part: json.dumps(part, ensure_ascii=False))
        )
    if isinstance(value, Mapping):
        members = [
            f"{marks.unmarked(json_(str(key)))}: {marks.unmarked(json_(item))}" for key, item in filters.items(value)
        ]
        return filters.paid(marks.marked("{" + ", ".join(members) + "}"))
    if isinstance(value, list | tuple):
        found = [marks.unmarked(json_(item)) for item in filters.each(value)]
        return filters.paid(marks.marked("[" + ", ".join(found) + "]"))
    return "null" if value is None else filters.text(value)


def _escape(part: str) -> str:
    return "".join("\\" + character if character in '"\\`$' else character for character in part)


ENCODINGS: dict[str, Callable[[object], str]] = {
    "sql": sql,
    "sh": sh,
    "systemd": systemd,
    "urlencode": url,
    "json": json_,
    "tojson": json_,
}
