"""Sees whether the units that were started stay up, and says what they said if not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from soop_components.runner import processes, systemd
from soop_components.runner.failure import Failure
from soop_components.runner.plan import Component, Unit
from soop_components.runner.systemd import Facts, is_template
from soop_components.runner.vocabulary import Change
from soop_components.runner.waiting import wait_until
from soop_components.runner.work import Work

_SETTLE = 1.0
"""Seconds that a unit must stay up after a start: one with a mistake often lives for a moment.

A unit whose processes all sleep counts as started sooner: it waits for requests, or answers them.
"""
_WATCH = 5.0
"""Seconds that a unit must stay up if systemd has restarted it, or may restart it and it has no health check."""
_WATCH_AT_MOST = 60.0
_RESTARTS = 3
"""Starts by systemd itself, from which on a unit counts as one that ends again and again."""
_RECENT = 600.0
"""Seconds for which the last of them counts."""


def loops(found: Facts) -> bool:
    """Return whether a unit ends and is started again, again and again."""
    return found.restarts >= _RESTARTS and time.monotonic() - found.began < _RECENT


def wanted_up(units: Mapping[str, Unit]) -> list[str]:
    """Return the units that should run."""
    return [name for name, unit in units.items() if unit.state == "started" and not is_template(name)]


def verify(work: Work) -> None:
    """Fail when a unit that was started does not stay up; one that is still starting is waited for."""
    wanted = wanted_up(work.document.units)
    if not wanted:
        return
    if work.started:
        new = [name for name in work.started if not work.cgroups.get(name)]
        work.cgroups.update({name: found.cgroup for name, found in systemd.facts(work.host, new).items()})
        groups = [group for name in work.started if (group := work.cgroups[name])]
        answering = [work.cgroups[name] for name in _answering(work)]
        processes.wait_until_quiet(groups, max(work.started.values()) + _SETTLE, answering)
    found = systemd.facts(work.host, wanted)
    for name in (name for name in wanted if found[name].starting):
        systemd.call(work.host, "start", [name])
    shaky = wait_until(lambda: _shaky(work, wanted), _WATCH_AT_MOST, 0.25, good=lambda name: name is None)
    if shaky is not None:
        raise _not_up(work, shaky, systemd.facts(work.host, [shaky])[shaky].state_text)


def _answering(work: Work) -> list[str]:
    """Return the units whose programs have answered since they were started: the health checks have passed.

    Of several services of a component any one may have answered; after a reload, processes of before it may have.
    """
    up = [wanted_up(part.units) for part in work.document.components if part.http_health]
    services = [[name for name in names if name.endswith(".service")] for names in up]
    checked = {names[0] for names in services if len(names) == 1}
    return [name for name in work.started if name in checked and Change("unit", name, "reload") not in work.changes]


def _shaky(work: Work, wanted: Iterable[str]) -> str | None:
    """Return a unit that was not up for long enough yet; fail when one is down, or ends again and again."""
    since = time.monotonic() - _WATCH
    unproven = {name for part in work.document.components if part.has_no_check for name in part.units}
    shaky = None
    for name, found in systemd.facts(work.host, wanted).items():
        restarts = found.restarts - work.restarts.get(name, found.restarts)
        if restarts >= _RESTARTS:
            raise _not_up(work, name, f"ended and was started again {restarts} times")
        if not found.running and (found.active != "activating" or name not in work.started):
            raise _not_up(work, name, found.state_text)
        watched = restarts > 0 or (name in work.started and name in unproven and found.sub == "running")
        if not found.running or (watched and found.began > since):
            shaky = name
    return shaky


def _not_up(work: Work, name: str, state: str) -> Failure:
    said = systemd.journal(work.host, [name], work.since)
    return Failure("units", f"{name}: {state}, expected it to stay up", stderr_tail=said)


def failed(work: Work, component: Component) -> str | None:
    """Return a unit that should be started and has failed for good."""
    found = systemd.facts(work.host, wanted_up(component.units))
    return next((name for name, facts in found.items() if facts.active == "failed"), None)
