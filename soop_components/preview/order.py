"""Words for the order of a rollout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import assert_never

from soop_components.preview.facts import ServicePreview, StepFact, StepKind
from soop_components.preview.wording import listed, short

_OF_ALL = ("hosts", "accept")
"""Steps on all nodes."""
_WORDS: Mapping[StepKind, str] = {
    "hosts": "tell all nodes the names of all nodes",
    "send": "send what they lack",
    "hand_over": "stop what writes its data, and write that out for the new machine",
    "rebuild": "make the machine anew",
    "configure": "configure",
    "accept": "accept on all nodes; if anything fails before, all are rolled back",
}


def order_in_words(service: ServicePreview) -> Iterator[str]:
    """Yield a line per batch of nodes; what goes on meanwhile, on nodes of other roles, has the same number."""
    for number, lanes in enumerate(service.steps, 1):
        head = f"{number}."
        for index, lane in enumerate(lanes):
            meanwhile = "meanwhile " if index else ""
            for line in _batches(lane, service.smoke_tests):
                yield f"{head} {meanwhile}{line}"
                head, meanwhile = " " * len(head), ""


def _batches(lane: Sequence[StepFact], smoke_tests: Sequence[str]) -> Iterator[str]:
    for nodes, steps in groupby(lane, lambda step: step.nodes):
        words = list(steps)
        if words[0].kind == "smoke_tests":
            where = f"{listed([short(node) for node in nodes])}: " if words[0].tests else ""
            yield f"{where}try it out: {listed(words[0].tests or smoke_tests)}"
        elif not nodes or words[0].kind in _OF_ALL:
            yield ", ".join(map(step_in_words, words))
        else:
            together = " at once" if len(nodes) > 1 else ""
            yield f"{listed([short(node) for node in nodes])}{together}: {', '.join(map(step_in_words, words))}"


def step_in_words(step: StepFact) -> str:
    """Say what a step does, on nodes that are named before it."""
    match step.kind:
        case "snapshot" | "restore":
            return f"{'take' if step.kind == 'snapshot' else 'restore'} the snapshot {step.label}"
        case "hook":
            return str(step.hook)
        case "watch" | "pause":
            return f"{step.kind} for {step.seconds} s"
        case "migrate_down":
            return f"undo migrations after {', '.join(f'{number:03}' for number in step.down_to.values())}"
        case "smoke_tests":
            return f"try it out: {listed(step.tests)}"
        case "hosts" | "send" | "hand_over" | "rebuild" | "configure" | "accept":
            return _WORDS[step.kind]
        case _:
            assert_never(step.kind)
