"""Who is compared does the same work."""

from __future__ import annotations

from pathlib import Path

from soop_components.library import LIBRARY

PEERS = Path(__file__).parents[2] / "bench/small/peers"


def test_the_peers_units_are_as_well_protected_as_ours() -> None:
    """Protection is most of what a restart costs."""
    ours = (LIBRARY / "systemd_service" / "unit.j2").read_text()
    theirs = (PEERS / "greeter.service.j2").read_text()
    begin, end = "Restart=always\n", "UMask=0077\n"
    assert ours[ours.index(begin) : ours.index(end)] == theirs[theirs.index(begin) : theirs.index(end)]
