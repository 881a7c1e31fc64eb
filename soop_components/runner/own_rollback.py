"""What the timer of ``unaccepted`` starts: this node rolls itself back, as an apply that a deployer can follow."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from soop_components.runner import apply, hosts, transient, unaccepted
from soop_components.runner.events import Events
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.protocol import OWN_ROLLBACK, Applied, Failed, Rollback


def run(host: Host) -> Applied | Failed | None:
    """Roll back what no deployer has accepted, or let the time begin anew; None if an apply was at work."""
    try:
        if busy := transient.running(host):
            with suppress(Failure):
                transient.await_end(host, busy)
            return None
        transient.start(host, OWN_ROLLBACK, lambda write: _work(host, write))
        return transient.await_end(host, OWN_ROLLBACK)
    finally:
        unaccepted.renew(host)


def _work(host: Host, write: Callable[[str], None]) -> None:
    events = Events(write)
    with host.lock() as mine:
        answer = roll_back(host, events) if mine else Failed("lock", "an acceptance is at work on this node")
        events.write(answer)


def roll_back(host: Host, events: Events) -> Applied | Failed:
    """Roll back under the node-wide lock, unless it was accepted meanwhile."""
    pending = unaccepted.load(host)
    if pending is None or unaccepted.is_accepted(host, pending):
        unaccepted.disarm(host)
        return Applied(())
    events.hide(pending.secrets.values())
    events.progress(f"rolling back by itself: the deployer did not accept {pending.reference} in time")
    request = Rollback(pending.secrets, hosts.current(host), OWN_ROLLBACK, pending.last_good)
    try:
        answer = apply.roll_back(host, request, events)
    except Failure as failure:
        answer = failure.failed
    failed = answer._replace(message=str(events.masked(answer.message))) if isinstance(answer, Failed) else None
    unaccepted.note(host, pending, failed)
    return answer
