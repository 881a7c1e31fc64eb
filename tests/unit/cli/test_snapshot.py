"""What ``soop snapshot`` decides; the scenarios show it at work."""

from __future__ import annotations

from soop_components.cli.snapshot import ways_back
from soop_components.engine import StackState
from soop_components.engine.state import Release
from soop_components.machines.snapshots import Snapshot

NODE = "database-1.shop.dev-a"


def made(label: str, minute: int, of: str = "shop-1.0.0", digest: str = "sha256:1") -> Snapshot:
    return Snapshot(NODE, label, f"2026-11-28T10:{minute:02}:00+00:00", 1, of, digest)


def test_what_a_killed_update_kept_of_the_accepted_version_makes_no_room_for_others() -> None:
    state = StackState((Release("shop", "1.0.0", "sha256:1", "", {}, ()), Release("new", None, None, None, {}, ())))
    found = [
        made("shop-1.0.0.before-1.1.0", 1),
        made("shop-1.0.0.before-1.2.0", 2),
        made("shop-1.0.0.before-1.3.0", 3, digest="sha256:2"),
        made("shop-0.9.0.before-1.0.0", 4, "shop-0.9.0"),
        made("by-hand", 5),
    ]
    assert ways_back(state, found) == {NODE: "shop-1.0.0.before-1.2.0"}
    assert ways_back(state, found[2:]) == {}
