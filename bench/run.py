"""What all figures of one run share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.calm import Calm


@dataclass
class Run:
    """How often to measure, and when."""

    share_of_rounds: float = 1.0
    patience: float = 600.0
    """Seconds to wait, in all, for others to be done."""
    web_nodes: Sequence[int] = (1, 3, 6)
    """How many web nodes are upgraded, one figure each."""
    calm: Calm = field(init=False)

    def __post_init__(self) -> None:
        self.calm = Calm(self.patience, self.say)

    def rounds(self, usual: int) -> int:
        """Return how often to measure what is usually measured so often."""
        return max(1, round(usual * self.share_of_rounds))

    def say(self, message: str) -> None:
        """Show what is going on."""
        print(f"  {message}", file=sys.stderr, flush=True)
