"""What seals a stack's secrets is read out of its file, and added to it without touching the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.engine.seals import secrets_provider, with_seal

COMMENTED = b"config:\n    soop:environment:   dev   # ours\n\n"
REWRITTEN = b"config:\n  soop:environment: dev # ours\nencryptionsalt: v1:abc=\n"
NAMED = b"secretsprovider: awskms://alias/soop\n" + COMMENTED


def test_a_file_only_gains_the_salt() -> None:
    assert with_seal(COMMENTED, REWRITTEN) == COMMENTED + b"encryptionsalt: v1:abc=\n"
    assert with_seal(COMMENTED.rstrip(), REWRITTEN) == COMMENTED.rstrip() + b"\nencryptionsalt: v1:abc=\n"


def test_a_file_that_names_a_key_only_gains_what_it_has_sealed() -> None:
    rewritten = b"secretsprovider: awskms://alias/soop\nencryptedkey: abc=\nconfig:\n  soop:environment: dev # ours\n"
    assert with_seal(NAMED, rewritten) == NAMED + b"encryptedkey: abc=\n"


def test_other_changes_are_left_alone() -> None:
    assert with_seal(COMMENTED, b"config: {}\n") == b"config: {}\n"
    assert with_seal(REWRITTEN, b"encryptionsalt: v1:other\n") == b"encryptionsalt: v1:other\n"


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        (None, None),
        (REWRITTEN, None),
        (NAMED, "awskms://alias/soop"),
        (b"secretsprovider: [awskms]\n", None),
        (b"- no mapping\n", None),
        (b"{", None),
    ],
)
def test_the_key_that_a_file_names(tmp_path: Path, text: bytes | None, provider: str | None) -> None:
    path = tmp_path / "Pulumi.prod-access.yaml"
    if text is not None:
        path.write_bytes(text)
    assert secrets_provider(path) == provider
