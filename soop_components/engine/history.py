"""How the last run of a stack ended, out of Pulumi's own history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Run:
    """One update or destruction of a stack."""

    kind: str
    """``update`` or ``destroy``."""
    succeeded: bool
    ended: datetime


def last_run(history: str) -> Run | None:
    """Return the newest update or destruction out of ``pulumi stack history``'s JSON, which is newest first."""
    for entry in json.loads(history or "[]"):
        if entry["kind"] in ("update", "destroy"):
            return Run(entry["kind"], entry["result"] == "succeeded", datetime.fromisoformat(entry["endTime"]))
    return None
