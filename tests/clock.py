"""A clock of which tests decide."""

from __future__ import annotations

from dataclasses import dataclass, field

from soop_components.waiting import Clock


@dataclass
class SetClock(Clock):
    """A clock whose time passes only when somebody sleeps."""

    time: float = 100.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
