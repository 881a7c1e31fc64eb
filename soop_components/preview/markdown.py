"""What an update would do, as Markdown of a bounded length: the summary as a list, the details folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from soop_components.preview.facts import DomainPreview
from soop_components.preview.wording import one_line
from soop_components.preview.words import sections, summary

MOST_BYTES = 65_536
"""A comment in a pull request has room for as many characters."""
_ROOM_TO_SAY_SO = 100


def as_markdown(preview: DomainPreview, most: int = MOST_BYTES) -> str:
    """Return it in at most so many bytes; what is left out goes by whole lines and sections, and is mentioned."""
    head, *rest = summary(preview)
    lines = bulleted([head, *rest], most)
    room = most - length(lines)
    parts = [lines]
    for section in (each for each in sections(preview) if each.lines):
        part = folded(section.heading, section.lines)
        if length(part) > room - _ROOM_TO_SAY_SO:
            parts.append(f"\nMore does not fit here; `soop plan {preview.domain}` shows it.\n")
            break
        parts.append(part)
        room -= length(part)
    return "".join(parts)


def bulleted(heading_and_lines: Sequence[str], most: int) -> str:
    """Return a heading and a list; lines that do not fit are counted."""
    heading, *lines = map(escaped, heading_and_lines)
    parts = [f"### {heading}\n\n"]
    room = most - length(parts[0]) - _ROOM_TO_SAY_SO
    for index, line in enumerate(lines):
        room -= length(line) + len("* \n")
        if room < 0:
            return "".join([*parts, f"* {len(lines) - index} more lines do not fit here\n"])
        parts.append(f"* {line}\n")
    return "".join(parts)


def folded(heading: str, lines: Iterable[str]) -> str:
    """Return lines that open on demand, as text in which nothing means anything to Markdown."""
    shown = [one_line(line) for line in lines]
    ticks = max((len(run) for run in re.findall("`+", "\n".join(shown))), default=0)
    fence = "`" * max(3, ticks + 1)
    body = "\n".join(shown)
    return f"\n<details><summary>{_html(heading)}</summary>\n\n{fence}text\n{body}\n{fence}\n\n</details>\n"


def escaped(text: str) -> str:
    """Return a line in which nothing means anything to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", one_line(text))


def length(text: str) -> int:
    """Return the bytes of a text."""
    return len(text.encode(errors="replace"))


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
