"""Marks: places in texts where the runner puts what planning does not know, secrets and what differs between nodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NoReturn, SupportsIndex

NODE_KEYS = ("name", "number", "role")
MARK = re.compile(r"@@soop-(?P<kind>secret|node):(?P<key>[a-z][a-z0-9_]*)(?P<encodings>(?:\|[a-z]+)*)@@")
_OPENING = "@@soop-"


class LooksInside(Exception):
    """A template does with a mark what needs the value that it stands for."""


class Marked(str):
    """Text with marks in it: it can be passed on, joined and encoded, not looked into."""

    __slots__ = ()

    def _refuse(self, *_: object) -> NoReturn:
        raise LooksInside

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __len__ = __iter__ = __contains__ = __mod__ = __rmod__ = __mul__ = __rmul__ = _refuse
    __hash__ = str.__hash__

    def __getitem__(self, key: SupportsIndex | slice) -> NoReturn:
        raise LooksInside

    def __bool__(self) -> bool:
        return True

    def __format__(self, specification: str) -> str:
        if specification:
            raise LooksInside
        return str.__str__(self)

    def plain(self) -> str:
        """Return the same text as an ordinary string."""
        return str.__str__(self)


def secret_mark(key: str) -> Marked:
    """Return what stands for a secret in templates."""
    return Marked(f"@@soop-secret:{key}@@")


def node_mark(key: str) -> Marked:
    """Return what stands for a property of the node in templates."""
    return Marked(f"@@soop-node:{key}@@")


def marked(text: str) -> str:
    """Return ``text`` as ``Marked`` if it holds marks; half a mark is refused."""
    plain = text.plain() if isinstance(text, Marked) else text
    if _OPENING not in plain:
        return plain
    if _OPENING in MARK.sub("", plain):
        raise LooksInside
    return Marked(plain)


def unmarked(text: str) -> str:
    """Return ``text`` as an ordinary string, marks included, ready for a plan."""
    return text.plain() if isinstance(text, Marked) else text


def keys_in(text: str, kind: str) -> set[str]:
    """Return the keys of the marks of one kind, ``secret`` or ``node``."""
    return {found["key"] for found in MARK.finditer(unmarked(text)) if found["kind"] == kind}


def holds_secret(text: str) -> bool:
    """Tell whether a secret belongs into this text."""
    return bool(keys_in(text, "secret"))


def encode(text: str, encoding: str, literal: Callable[[str], str]) -> str:
    """Apply ``literal`` to what lies between the marks, and tell the runner to encode the secrets likewise.

    Names and numbers of nodes need no encoding.
    """
    plain = unmarked(text)
    pieces: list[str] = []
    position = 0
    for found in MARK.finditer(plain):
        pieces += [literal(plain[position : found.start()]), _encoded(found, encoding)]
        position = found.end()
    return marked("".join([*pieces, literal(plain[position:])]))


def encode_whole(text: str, encoding: str, literal: Callable[[str], str]) -> str:
    """Like ``encode`` for an encoding that puts quotes around: a secret must then be the whole text."""
    plain = unmarked(text)
    found = MARK.fullmatch(plain)
    if found is not None and found["kind"] == "secret":
        return marked(_encoded(found, encoding))
    if holds_secret(plain):
        raise LooksInside
    return marked(literal(plain))


def _encoded(found: re.Match[str], encoding: str) -> str:
    if found["kind"] == "node":
        return found[0]
    return f"@@soop-secret:{found['key']}{found['encodings']}|{encoding}@@"


def unknown_marks(texts: Iterable[str], secrets: Iterable[str]) -> set[str]:
    """Return the marks that nothing will replace."""
    known = {"secret": set(secrets), "node": set(NODE_KEYS)}
    return {found[0] for text in texts for found in MARK.finditer(text) if found["key"] not in known[found["kind"]]}
