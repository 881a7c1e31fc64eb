"""One byte sequence per JSON value, so that a digest can name it."""

from __future__ import annotations

import hashlib
import json


def canonical(value: object) -> bytes:
    """Return the value as JSON with sorted keys and without spaces, in UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(value: object) -> str:
    """Return ``sha256:<hex>`` of the value's canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()
