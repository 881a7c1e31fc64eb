"""Checkpoints of stacks in a file backend: whether one is whole, and what replaces one that is not.

Format: ``.pulumi/stacks/<project>/<stack>.json``, the one before in ``.json.bak``, and those at the end of updates in
``.pulumi/history/<project>/<stack>/*.checkpoint.json``: Pulumi's pkg/backend/diy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from soop_components.errors import SoopError
from soop_components.whole_file import write_whole


class DamagedState(SoopError):
    """A stack's checkpoint is not what the engine has written."""

    def __init__(self, id: str, path: Path) -> None:
        super().__init__(f"the state of {id} is damaged: {path}", f"to restore it from a copy: soop recover {id}")


class Checkpoints:
    """The checkpoints of a project's stacks."""

    def __init__(self, state: Path, project: str) -> None:
        self._stacks = state / ".pulumi" / "stacks" / project
        self._history = state / ".pulumi" / "history" / project

    def stacks(self) -> tuple[str, ...]:
        """Return the names of all stacks."""
        return tuple(sorted(path.stem for path in self._stacks.glob("*.json")))

    def inputs(self, stack: str, type: str) -> list[dict[str, Any]]:
        """Return the inputs of a stack's resources of a type; none if its checkpoint is damaged."""
        path = self._stacks / f"{stack}.json"
        if not _is_whole(path):
            return []
        latest = json.loads(path.read_bytes())["checkpoint"].get("latest") or {}
        return [each.get("inputs") or {} for each in latest.get("resources") or [] if each.get("type") == type]

    def damaged(self, stack: str) -> Path | None:
        """Return the path of a stack's checkpoint if it is damaged."""
        path = self._stacks / f"{stack}.json"
        return path if path.exists() and not _is_whole(path) else None

    def restore(self, stack: str) -> Path | None:
        """Replace a damaged checkpoint by its newest whole copy, and return which that was; None if there is none.

        What was damaged is kept beside it, as ``.damaged``.
        """
        path = self._stacks / f"{stack}.json"
        copy = next((each for each in self._copies(stack) if _is_whole(each)), None)
        if copy is None:
            return None
        damaged = path.with_name(f"{path.name}.damaged")
        damaged.unlink(missing_ok=True)
        os.link(path, damaged)
        write_whole(path, copy.read_bytes())
        return copy

    def _copies(self, stack: str) -> Iterator[Path]:
        yield self._stacks / f"{stack}.json.bak"
        yield from sorted((self._history / stack).glob("*.checkpoint.json"), reverse=True)


def _is_whole(path: Path) -> bool:
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_bytes())
        return isinstance(found, dict) and isinstance(found.get("checkpoint"), dict)
    return False
