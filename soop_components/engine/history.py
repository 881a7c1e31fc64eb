"""How the last run of a stack ended, out of Pulumi's own history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field, TypeAdapter


class _Entry(BaseModel):
    kind: str
    result: str
    end_time: datetime = Field(alias="endTime")


@dataclass(frozen=True)
class Run:
    """One update or destruction of a stack."""

    kind: str
    """``update`` or ``destroy``."""
    succeeded: bool
    ended: datetime


def last_run(history: str) -> Run | None:
    """Return the newest update or destruction out of ``pulumi stack history``'s JSON, which is newest first."""
    for entry in TypeAdapter(list[_Entry]).validate_json(history or "[]"):
        if entry.kind in ("update", "destroy"):
            return Run(entry.kind, entry.result == "succeeded", entry.end_time)
    return None
