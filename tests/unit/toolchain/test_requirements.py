"""The pins: exact, with hashes, and without any address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PINS = [
    "requirements.txt",
    "requirements-aws.txt",
    "requirements-libvirt.txt",
    "requirements-moto.txt",
    "toolchain/uv.txt",
]


@pytest.mark.parametrize("name", PINS)
def test_every_package_is_pinned_by_version_and_hash(name: str) -> None:
    text = re.sub(r"^ *#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    for entry in text.replace("\\\n", " ").splitlines():
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("name", PINS)
def test_no_address_is_in_the_pins(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()
