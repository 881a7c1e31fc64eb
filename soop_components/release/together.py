"""Rolls services out as one: what is accepted, is accepted of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from soop_components.errors import SoopError
from soop_components.release.node import Progress
from soop_components.release.rollout import Rollout
from soop_components.release.verdict import MustNotChange, ReleaseFailed, RolledBack, verdict
from soop_components.waiting import wait_for_all


async def roll_out(rollouts: Sequence[Rollout], progress: Progress, *, forms_group: bool = False) -> None:
    """Roll out, test and accept services as one; or roll back what was configured and raise ``ReleaseFailed``.

    They are in the order in which they are rolled out; a rollback begins with the last. Where they form a group that
    is new, those that run already must stay as they are; else ``MustNotChange`` is raised before anything is done.
    """
    for rollout in rollouts:
        rollout.goes_back_alone = all(each.serve_both for each in rollouts)
    try:
        await progress.show("connecting")
        await wait_for_all(rollout.look() for rollout in rollouts)
        for rollout in rollouts if forms_group else ():
            rollout.refuse_changes()
        for stages in zip(*(rollout.order() for rollout in rollouts), strict=True):
            for rollout, steps in zip(rollouts, stages, strict=True):
                await rollout.carry_out(steps)
    except MustNotChange:
        raise
    except Exception as error:
        outcomes = await _roll_back(rollouts)
        if not isinstance(error, SoopError):
            raise
        message = verdict([str(rollout.reference) for rollout in rollouts], error, outcomes)
        rolled_back = any(each.nodes for each in outcomes) and not any(each.failures for each in outcomes)
        held = any(each.held for each in outcomes)
        raise ReleaseFailed(message, rolled_back=rolled_back, held=held) from error
    finally:
        for rollout in rollouts:
            await rollout.end()
    await progress.show(f"{' and '.join(str(rollout.reference) for rollout in rollouts)} accepted")


async def _roll_back(rollouts: Sequence[Rollout]) -> list[RolledBack]:
    """Roll all services back, or none of them if one cannot be."""
    held = [why for why in [await rollout.held() for rollout in rollouts] if why]
    if held:
        return [RolledBack((), {}, {}, (), "; ".join(held))]
    return [await rollout.roll_back() for rollout in reversed(rollouts)]
