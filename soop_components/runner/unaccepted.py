"""What was applied and not accepted yet, and the timer that rolls it back if the deployer falls silent.

The timer is systemd's: it measures time that passes, whatever somebody sets the clock to. The deployer starts it anew
again and again while it works (``protocol.RENEW``). It is enabled until the acceptance, so after a boot it begins anew.
``own_rollback`` is what it starts.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from soop_components.runner import systemd
from soop_components.runner.document import version_of
from soop_components.runner.failure import step
from soop_components.runner.host import Host
from soop_components.runner.marks import secrets_in
from soop_components.runner.plan import UNIT_FOLDER
from soop_components.runner.protocol import UNACCEPTED_TIMER, Apply, Failed, OwnRollback
from soop_components.runner.typed_json import Malformed, canonical, dump, read

FILE = "unaccepted.json"
_NOTE = "own-rollback.json"
_SERVICE = UNACCEPTED_TIMER.replace(".timer", ".service")
_ENABLED = f"{UNIT_FOLDER}/timers.target.wants/{UNACCEPTED_TIMER}"


class Unaccepted(NamedTuple):
    """A version that is rolled back unless it is accepted in time."""

    plan_digest: str
    reference: str
    last_good: str
    """Plan digest of what it is rolled back to."""
    secrets: Mapping[str, str]
    """What that one needs; the node has them in its files already, or had them until this apply."""
    within: int
    """Seconds that the deployer may be silent."""


def arm(host: Host, request: Apply, good: Mapping[str, Any] | None) -> None:
    """Before the first change, see to it that this node rolls itself back, if there is something to roll back to."""
    host.remove(_NOTE)
    same = good is not None and good["plan_digest"] == request.document["plan_digest"]
    if good is None or (same and request.secrets == request.previous_secrets):
        if pending := load(host):  # what rolls back is this runner: others go
            _write_units(host, pending.within)
        return
    if not request.accept_within:
        disarm(host)
        return
    needed = secrets_in(canonical(good["plan"]).decode())
    secrets = {key: value for key, value in request.previous_secrets.items() if key in needed}
    wanted, document = version_of(request.document), good["plan_digest"]
    pending = Unaccepted(wanted.plan_digest, wanted.reference, document, secrets, request.accept_within)
    with step("state"):
        host.store(FILE, dump(pending))
        _write_units(host, pending.within)
        renew(host)


def _write_units(host: Host, within: int) -> None:
    head = "[Unit]\nDescription=soop: roll back what no deployer accepts\nStartLimitIntervalSec=0\n"
    runner = os.path.abspath(sys.argv[0])
    command = f"{sys.executable or '/usr/bin/python3'} -I -B {runner} roll-back-unaccepted"
    units = {
        _SERVICE: f"{head}[Service]\nType=oneshot\nExecStart={command}\n",
        UNACCEPTED_TIMER: f"{head}[Timer]\nOnActiveSec={within}s\nAccuracySec=1s\n",
    }
    for name, text in units.items():
        host.places.write(f"{UNIT_FOLDER}/{name}", text.encode(), 0o644, os.geteuid(), os.getegid())
    host.places.link(_ENABLED, f"../{UNACCEPTED_TIMER}")
    for path in (_ENABLED, *(f"{UNIT_FOLDER}/{name}" for name in units)):
        host.places.sync(path)  # a power failure may come at any moment from now on
    if any(unit.stale for unit in systemd.facts(host, units).values()):
        systemd.call(host, "daemon-reload")


def renew(host: Host) -> None:
    """Let the time begin anew, if something is not accepted."""
    if host.has(FILE):
        systemd.start(host, "restart", UNACCEPTED_TIMER)


def load(host: Host) -> Unaccepted | None:
    """Return what is not accepted yet; a file that is damaged counts as none, and is in ``host.lost``."""
    raw = host.load(FILE)
    try:
        return read(Unaccepted, raw, FILE) if raw else None
    except Malformed:
        host.lost.add(FILE)
        return None


def is_accepted(host: Host, pending: Unaccepted) -> bool:
    """Return whether it was accepted, by a runner that ended before it could ``disarm``."""
    accepted = host.load("accepted.json")
    differs = pending.last_good != pending.plan_digest
    return differs and accepted is not None and accepted["plan_digest"] == pending.plan_digest


def disarm(host: Host) -> None:
    """Stay as it is from now on, whatever the deployer does."""
    if not host.remove(FILE) and not host.places.look(f"{UNIT_FOLDER}/{UNACCEPTED_TIMER}"):
        return
    systemd.call(host, "stop", [UNACCEPTED_TIMER])
    for path in (_ENABLED, f"{UNIT_FOLDER}/{UNACCEPTED_TIMER}", f"{UNIT_FOLDER}/{_SERVICE}"):
        host.places.remove(path)


def note(host: Host, pending: Unaccepted, failed: Failed | None) -> None:
    """Keep for ``status`` that this node rolled itself back, or could not, until the next apply or acceptance."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    host.store(_NOTE, dump(OwnRollback(pending.reference, at, pending.within, failed.message if failed else None)))


def forget(host: Host) -> None:
    """Remove that note."""
    host.remove(_NOTE)


def noted(host: Host) -> OwnRollback | None:
    """Return that note."""
    with suppress(Malformed):
        return read(OwnRollback, raw, _NOTE) if (raw := host.load(_NOTE)) else None
    return None
