from __future__ import annotations

from soop_components.engine.engine import with_salt

COMMENTED = b"config:\n    soop:environment:   dev   # ours\n\n"
REWRITTEN = b"config:\n  soop:environment: dev # ours\nencryptionsalt: v1:abc=\n"


def test_only_gains_the_salt() -> None:
    assert with_salt(COMMENTED, REWRITTEN) == COMMENTED + b"encryptionsalt: v1:abc=\n"
    assert with_salt(COMMENTED.rstrip(), REWRITTEN) == COMMENTED.rstrip() + b"\nencryptionsalt: v1:abc=\n"


def test_other_changes_are_left_alone() -> None:
    assert with_salt(COMMENTED, b"config: {}\n") == b"config: {}\n"
    assert with_salt(REWRITTEN, b"encryptionsalt: v1:other\n") == b"encryptionsalt: v1:other\n"
