"""What of a checkout is shipped, and what its user has added: domain definitions that `soop deploy` began, say."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def is_shipped(path: Path) -> bool:
    """Return whether git knows the file; without git, all files count as shipped."""
    known = _known()
    return known is None or str(path.relative_to(CHECKOUT)) in known


@cache
def _known() -> frozenset[str] | None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return frozenset(listed.stdout.split("\0")) if listed.returncode == 0 else None
