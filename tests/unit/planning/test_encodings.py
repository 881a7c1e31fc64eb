from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest

from soop_components.planning.encodings import ENCODINGS
from soop_components.planning.limits import per_template
from soop_components.planning.marks import secret_mark, unmarked
from soop_components.runner.marks import put_secrets

HOSTILE = [
    "'; DROP TABLE users; --",
    "\\'; DROP TABLE users; -- ",
    "ends in a backslash\\",
    "'; system('id'); ?> <?php '",
    "{$x} ${x} $x \\n",
    "\"><script>alert('x')</script>&amp;",
    "' onmouseover='alert(1)",
    "user:pw@evil.example/?a=b&c#d",
    "../%2e%2e/\r\nHost: evil",
    "zero\0 two\nlines\r and \x1a",
    "ü€\u2028",
    "",
]


def of_mysql(written: str) -> str:
    """Read a literal as MySQL does; what is left of it behind its closing quote would be SQL."""
    assert not set(written) & set("\0\n\r\x1a"), "its command line would read these"
    found = re.fullmatch(r"'((?:[^'\\]|\\.|'')*)'", written)
    assert found
    names = {"0": "\0", "n": "\n", "r": "\r", "Z": "\x1a"}
    return re.sub(r"\\(.)|''", lambda each: names.get(each[1], each[1]) if each[1] else "'", found[1])


def of_php(written: str) -> str:
    """Read a text in single quotes as PHP does."""
    found = re.fullmatch(r"'((?:[^'\\]|\\.)*)'", written, re.DOTALL)
    assert found
    return re.sub(r"\\(['\\])", r"\1", found[1])


class Page(HTMLParser):
    """What a browser finds in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.titles: list[str | None] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "p"
        assert [name for name, _ in attrs] == ["title"]
        self.titles.append(attrs[0][1])

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def of_html(written: str) -> str:
    """Read text, and an attribute in either kind of quotes."""
    double, single = (Page(f"<p title={quote}{written}{quote}>{written}") for quote in "\"'")
    assert double.titles == single.titles == ["".join(double.texts)] == ["".join(single.texts)]
    return "".join(double.texts)


def of_url(written: str) -> str:
    """Read a password, a part of the path and a value of the query of a URL."""
    url = urlsplit(f"http://me:{written}@host/{written}/end?q={written}&z=1")
    assert (url.hostname, url.port, url.fragment) == ("host", None, "")
    assert url.path == f"/{url.password}/end"
    (_, value), _ = parse_qsl(url.query, keep_blank_values=True)
    return value


READERS: dict[str, Callable[[str], str]] = {"mysql": of_mysql, "php": of_php, "html": of_html, "url": of_url}


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", sorted(READERS))
def test_hostile_text_and_secrets_stay_what_they_are_in_another_language(name: str, value: str) -> None:
    with per_template():
        mark = unmarked(str(ENCODINGS[name](secret_mark("password"))))
        written = ENCODINGS[name](value)
    assert READERS[name](written) == value
    assert put_secrets(mark, {"password": value}) == written
