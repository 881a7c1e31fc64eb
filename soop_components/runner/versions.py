"""Order of Debian versions, as deb-version(7) describes it."""

from __future__ import annotations

import re
from itertools import zip_longest

_PIECES = re.compile(r"(\D*)(\d*)")
_Piece = tuple[tuple[int, ...], int]
_END: _Piece = ((0,), 0)


def older(left: str, right: str) -> bool:
    """Tell whether ``left`` is an older version than ``right``."""
    (left_epoch, *left_parts), (right_epoch, *right_parts) = _split(left), _split(right)
    if int(left_epoch) != int(right_epoch):
        return int(left_epoch) < int(right_epoch)
    for one, other in zip(left_parts, right_parts, strict=True):
        for mine, theirs in zip_longest(_pieces(one), _pieces(other), fillvalue=_END):
            if mine != theirs:
                return mine < theirs
    return False


def _split(version: str) -> tuple[str, str, str]:
    """Split into epoch, upstream version and revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, hyphen, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if hyphen else (epoch, rest, "")


def _pieces(text: str) -> list[_Piece]:
    """Split into runs of characters and numbers, which compare as such."""
    return [((*map(_weight, characters), 0), int(digits or 0)) for characters, digits in _PIECES.findall(text)]


def _weight(character: str) -> int:
    """``~`` sorts before the end, letters before all other characters."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
