"""How the last run of a stack ended, out of Pulumi's own history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

UPDATES = ("update", "destroy")
"""Kinds of records that tell of updates and destructions."""


@dataclass(frozen=True)
class Run:
    """One update or destruction of a stack."""

    kind: str
    """``update`` or ``destroy``."""
    succeeded: bool
    ended: datetime


def last_run(history: Iterable[Mapping[str, Any]]) -> Run | None:
    """Return the newest update or destruction out of the engine's records, which are newest first."""
    for entry in history:
        if entry["kind"] in UPDATES:
            return Run(entry["kind"], entry["result"] == "succeeded", datetime.fromisoformat(entry["endTime"]))
    return None
