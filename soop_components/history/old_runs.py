"""Bounds what the engine keeps of each run of a stack in a file backend, where nobody else does.

Format: ``.pulumi/history/<project>/<stack>/<stack>-<nanoseconds>.history.json`` and ``.checkpoint.json``: Pulumi's
pkg/backend/diy.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_KEPT = {"history": 1000, "checkpoint": 100}
"""Runs of a stack of which the engine's history, and the state at their end, is kept."""


def forget_old_runs(state: Path, project: str, stack: str) -> None:
    """Remove the oldest of it; what cannot be removed stops no deployment."""
    folder = state / ".pulumi" / "history" / project / stack
    for kind, most in _KEPT.items():
        for path in sorted(folder.glob(f"*.{kind}.json"))[:-most]:
            with suppress(OSError):
                path.unlink()
