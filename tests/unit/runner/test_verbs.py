"""The way from a request to its answer, where another apply is at work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soop_components.runner import transient, verbs
from soop_components.runner.protocol import OWN_ROLLBACK, Applied, Rollback
from tests.unit.runner.node import Node

SAYS = {"event": "progress", "message": "on its way"}
DONE = {"event": "result", "changes": []}


@pytest.mark.parametrize("own", [[SAYS, DONE], [SAYS]], ids=["ended", "killed"])
def test_a_rollback_hears_of_the_nodes_own_and_then_goes_on(
    node: Node, monkeypatch: pytest.MonkeyPatch, own: list[dict[str, object]]
) -> None:
    host, at_work, started = node.host, iter([OWN_ROLLBACK]), []
    host.prepare()
    for id_, events in ((OWN_ROLLBACK, own), ("mine", [DONE])):
        Path(host.volatile(f"events-{id_}.jsonl")).write_text("".join(json.dumps(event) + "\n" for event in events))
    monkeypatch.setattr(transient, "_SILENCE", 0.0)
    monkeypatch.setattr(transient, "_CLEANED_UP_WITHIN", 0.0)
    monkeypatch.setattr(transient, "running", lambda host: next(at_work, None))
    monkeypatch.setattr(transient, "start", lambda host, id_, work: started.append(id_))
    assert verbs._start(host, Rollback({}, {}, "mine", None), node.events) == Applied(())
    assert started == ["mine"]
    assert [json.loads(line) for line in node.said] == [SAYS]
