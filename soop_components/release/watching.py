"""Looks at nodes again and again for a while."""

from __future__ import annotations

from collections.abc import Sequence

from soop_components.errors import SoopError
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.wording import drift_in_words, health_in_words
from soop_components.waiting import Clock, wait_for_all

_PATIENCE = 20.0
"""Seconds that a node may take until it answers."""
_BETWEEN_LOOKS = 2.0


async def watch(release: ReleaseInputs, nodes: Sequence[Node], seconds: int, clock: Clock) -> None:
    """Raise ``SoopError`` unless all nodes stay healthy, and as they were configured, for so many seconds.

    The last look is at the end of the time.
    """
    end = clock.now() + seconds
    await wait_for_all(_must_be_well(release, node) for node in nodes)
    while (left := end - clock.now()) > 0:
        await clock.sleep(min(left, _BETWEEN_LOOKS))
        await wait_for_all(_must_be_well(release, node) for node in nodes)


async def _must_be_well(release: ReleaseInputs, node: Node) -> None:
    found = await node.status(_PATIENCE)
    if found.healthy and not found.drift:
        return
    unwell = [health_in_words(problem, release.secrets.values()) for problem in found.health]
    what = "; ".join([*map(drift_in_words, found.drift), *unwell]) or "runs nothing of this service"
    raise SoopError(f"{node.name}: did not stay as it was configured: {what}")
