"""What a branch would do with the domains it touches, as one text or one Markdown document of a bounded length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from soop_components.branch.plans import TouchedDomain
from soop_components.branch.touched import Touch
from soop_components.model.names import listed
from soop_components.preview import as_markdown, as_text
from soop_components.preview.markdown import MOST_BYTES, bulleted, escaped, folded, length

_ROOM_TO_SAY_SO = 2_000
"""Bytes of a document that are kept for what does not fit into it."""
_SHOWN_PROBLEMS = 50
_NAMED = 20


def marker(project: str) -> str:
    """Return the line, not shown, by which a comment of earlier is found again: one per project."""
    return f"<!-- soop plan: {project} -->"


def branch_as_text(base: str, domains: Sequence[TouchedDomain]) -> str:
    """Return it for a terminal."""
    parts = [_title(base, domains)]
    for domain in domains:
        about = [f"{domain.id}: {line}" for line in (*_about(base, domain), *domain.problems)]
        parts.append("\n".join([*about, as_text(domain.preview) if domain.preview else _without_preview(domain)]))
    return "\n\n".join(parts)


def branch_as_markdown(project: str, base: str, domains: Sequence[TouchedDomain]) -> str:
    """Return it for a comment, in at most ``MOST_BYTES``; domains that do not fit are named."""
    text = f"{marker(project)}\n## {escaped(_title(base, domains))}\n"
    for index, domain in enumerate(domains):
        room = MOST_BYTES - length(text) - _ROOM_TO_SAY_SO
        share = room // (len(domains) - index)
        part = "\n" + _domain_as_markdown(base, domain, share)
        if length(part) > room:
            left = [each.id for each in domains[index:]]
            return f"{text}\n{len(left)} more domains do not fit here; `soop plan` shows them: {listed(left, _NAMED)}\n"
        text += part
    return text


def _domain_as_markdown(base: str, domain: TouchedDomain, most: int) -> str:
    about = f"\n{escaped('; '.join(_about(base, domain)))}\n"
    if domain.problems:
        more = len(domain.problems) - _SHOWN_PROBLEMS
        shown = [*domain.problems[:_SHOWN_PROBLEMS], *([f"{more} more"] if more > 0 else [])]
        about += folded("what is wrong", shown)
    room = most - length(about)
    part = as_markdown(domain.preview, room) if domain.preview else bulleted([_without_preview(domain)], room)
    heading, _, rest = part.partition("\n")
    return f"{heading}\n{about}{rest}"


def _title(base: str, domains: Sequence[TouchedDomain]) -> str:
    count = len(domains)
    return f"This branch touches {count or 'no'} {'domain' if count == 1 else 'domains'}, compared with {base}"


def _without_preview(domain: TouchedDomain) -> str:
    if domain.problems:
        return f"{domain.id}: cannot be planned"
    return f"{domain.id}: has no definition any more; it stays deployed until `soop destroy`"


def _about(base: str, domain: TouchedDomain) -> list[str]:
    """Say why a domain is here, and what it was compared with."""
    why = "; ".join(map(_why, domain.touches))
    return [why, f"compared with {base}, not with what is deployed"] if domain.compared == "definitions" else [why]


def _why(touch: Touch) -> str:
    match touch.why:
        case "definition":
            return "its definition is changed"
        case "removed definition":
            return "its definition is removed"
        case "environment":
            return f"the environment {touch.subject} is changed"
        case "version":
            return f"{touch.subject} is new"
        case "source":
            return (
                f"the source of {touch.subject} is changed, but what is built under this name stays: raise its version"
            )
        case _:
            assert_never(touch.why)
