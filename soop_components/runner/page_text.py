"""The text of a web page, for messages."""

from __future__ import annotations

import re

_READ_AT_MOST = 1 << 16
_IS_PAGE = re.compile(r"\s*<(!doctype html|html)\b", re.IGNORECASE)
_TAG = re.compile(r"(<[^<>]*>)")
_UNSEEN = ("script", "style")


def page_text(body: str) -> str:
    """Return the text that a reader of an HTML page sees; anything else as it is, without space around it."""
    if not _IS_PAGE.match(body):
        return body.strip()
    import html

    seen: list[str] = []
    unseen = ""
    for part in _TAG.split(body[:_READ_AT_MOST]):
        if _TAG.fullmatch(part):
            name = part[1:-1].split(" ")[0].lower()
            if unseen:
                unseen = "" if name == f"/{unseen}" else unseen
            elif name in _UNSEEN:
                unseen = name
        elif not unseen:
            seen.append(part)
    return " ".join(html.unescape(" ".join(seen)).split()) or body.strip()
