"""What the figures are compared with, the table and the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.sample import Series


@dataclass(frozen=True)
class Comparison:
    """Our side against another one."""

    figure: str
    what: str
    ours: Series
    other: Series
    aim: float | None = None
    """None: the number is shown, and no goal is set for it."""
    most: float | None = None
    """What must hold even where the aim is missed; None: the aim itself."""
    kind: Literal["cost", "memory", "speed", "failed"] = "cost"
    """Cost and memory: how many times as much we take. Speed: how many times faster we are. Failed: our requests."""

    @property
    def values(self) -> tuple[float, float]:
        """Seconds, MiB or failed requests of both."""
        if self.kind == "memory":
            return self.ours.typical_memory, self.other.typical_memory
        if self.kind == "failed":
            return self.ours.failed, self.other.failed
        return self.ours.typical_seconds, self.other.typical_seconds

    @property
    def ratio(self) -> float:
        """The figure."""
        ours, other = self.values
        if self.kind == "failed":
            return ours
        return other / ours if self.kind == "speed" else ours / other

    @property
    def verdict(self) -> str:
        """Whether the aim is reached, or at least the limit; empty without an aim."""
        if self.aim is None:
            return ""
        if self._reaches(self.aim):
            return "reached"
        if self.most is not None and self._reaches(self.most):
            return "within the limit"
        return "missed"

    def _reaches(self, bound: float) -> bool:
        shown = round(self.ratio, 2)
        return shown >= bound if self.kind == "speed" else shown <= bound

    def as_json(self) -> dict[str, Any]:
        """Return everything, samples included."""
        ours, other = self.values
        return {
            "figure": self.figure,
            "what": self.what,
            "unit": {"memory": "MiB", "failed": "requests"}.get(self.kind, "s"),
            "soop": round(ours, 3),
            self.other.name: round(other, 3),
            "ratio": round(self.ratio, 3),
            "aim": self.aim,
            "most": self.most,
            "verdict": self.verdict,
            "samples": {each.name: _samples(each, self.kind) for each in (self.ours, self.other)},
        }


def _samples(series: Series, kind: str) -> list[Any]:
    if kind == "failed":
        answers = series.answers
        return [{"asked": run.asked, "failed": dict(run.failed), "longest": round(run.longest, 3)} for run in answers]
    if kind == "memory":
        return [round(each / 2**20, 1) for each in series.memory]
    return [round(each, 3) for each in series.seconds]


def _bound(each: Comparison) -> str:
    if each.aim is None:
        return ""
    return f"{'>=' if each.kind == 'speed' else '<='} {each.aim:g}" + (f" ({each.most:g})" if each.most else "")


def _shown(each: Comparison) -> tuple[str, str]:
    if each.kind == "failed":
        ours, other = (f"{side.failed} of {sum(run.asked for run in side.answers)}" for side in (each.ours, each.other))
    else:
        unit = " MiB" if each.kind == "memory" else " s"
        ours, other = (f"{value:.0f}{unit}" if value >= 100 else f"{value:.2f}{unit}" for value in each.values)
    return ours, other


def table(comparisons: Sequence[Comparison]) -> str:
    """Return the figures as Markdown."""
    lines = ["| | soop | against | | ratio | aim | |", "| --- | ---: | --- | ---: | ---: | ---: | --- |"]
    return "\n".join([*lines, *map(row, comparisons)])


def row(each: Comparison) -> str:
    """Return one figure as a row of the table."""
    ratio = "" if each.kind == "failed" else f"{each.ratio:.2f}{'x faster' if each.kind == 'speed' else ''}"
    ours, other = _shown(each)
    cells = (f"({each.figure}) {each.what}", ours, each.other.name, other, ratio, _bound(each), each.verdict)
    return f"| {' | '.join(cells)} |"


def write(path: Path, comparisons: Sequence[Comparison], about: dict[str, Any]) -> None:
    """Write the figures with what they were measured on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "figures": [each.as_json() for each in comparisons]}, indent=1) + "\n")
