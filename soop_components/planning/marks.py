"""Marks: places in texts where the runner puts what planning does not know, secrets and what differs between nodes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

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

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __len__ = __iter__ = __contains__ = __getitem__ = _refuse
    __hash__ = str.__hash__

    def __bool__(self) -> bool:
        return True


def secret_mark(key: str) -> Marked:
    """Return what stands for a secret in templates."""
    return Marked(f"@@soop-secret:{key}@@")


def node_mark(key: str) -> Marked:
    """Return what stands for a property of the node in templates."""
    return Marked(f"@@soop-node:{key}@@")


def marked(text: str) -> str:
    """Return ``text`` as ``Marked`` if it holds marks; half a mark is refused."""
    plain = unmarked(text)
    if _OPENING not in plain:
        return plain
    if _OPENING in MARK.sub("", plain):
        raise LooksInside
    return Marked(plain)


def unmarked(text: str) -> str:
    """Return ``text`` as an ordinary string, marks included, ready for a plan."""
    return str.__str__(text)


def holds_secret(text: str) -> bool:
    """Return whether a secret belongs into this text."""
    return any(found["kind"] == "secret" for found in MARK.finditer(text))


def encode(text: str, encoding: str, literal: Callable[[str], str]) -> str:
    """Apply ``literal`` to what lies between the marks, and have the runner encode the secrets likewise.

    Names and numbers of nodes need no encoding.
    """
    plain = unmarked(text)
    pieces: list[str] = []
    position = 0
    for found in MARK.finditer(plain):
        mark = f"{found[0][:-2]}|{encoding}@@" if found["kind"] == "secret" else found[0]
        pieces += [literal(plain[position : found.start()]), mark]
        position = found.end()
    return marked("".join([*pieces, literal(plain[position:])]))


def encode_whole(text: str, encoding: str, literal: Callable[[str], str]) -> str:
    """Like ``encode`` for an encoding that puts quotes around: a secret must then be the whole text."""
    if not holds_secret(text):
        return marked(literal(unmarked(text)))
    if not MARK.fullmatch(text):
        raise LooksInside
    return encode(text, encoding, str)
