"""Units: enabled and started as the plan says, restarted or reloaded when something they depend on has changed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Literal

from soop_components.runner import processes, systemd
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.ledger import Ledger, UnitRecord
from soop_components.runner.managed import Managed
from soop_components.runner.plan import UNIT_FOLDER, Component, Unit
from soop_components.runner.protocol import Action, Change, Drift
from soop_components.runner.systemd import Facts
from soop_components.runner.work import Work

_SETTLE = 1.0
"""Seconds that a unit must stay up after a start: one with a mistake often lives for a moment.

A unit whose processes all sleep counts as started sooner: it waits for requests.
"""
_UNIT_FOLDERS = (
    "/etc/systemd/system/",
    "/usr/lib/systemd/system/",
    "/lib/systemd/system/",
    "/usr/local/lib/systemd/system/",
)
_ENABLED = ("enabled", "enabled-runtime")
_DISABLED = ("disabled", "masked", "masked-runtime")
_Verb = Literal["start", "stop", "restart", "reload"]


class Units(Managed):
    """Units with a file of ours, and units of packages."""

    step = "units"
    stale_first = True

    def pending(self, work: Work) -> list[Change]:
        return [*(Change("unit", name, "remove") for name in self._stale(work)), *super().pending(work)]

    def pending_in(self, work: Work, component: Component) -> list[Change]:
        records = {name: _record(unit) for name, unit in component.units.items()}
        return [Change("unit", found.subject, "configure") for found in _drift(work.host, records)]

    def carry_out(self, work: Work, component: Component) -> None:
        if not component.units:
            return
        found = systemd.facts(work.host, component.units)
        unread = work.ledger.changing - work.known_to_systemd
        if any(path.startswith(_UNIT_FOLDERS) for path in unread) or any(unit.stale for unit in found.values()):
            systemd.call(work.host, "daemon-reload")
            work.known_to_systemd |= work.ledger.changing
            found = systemd.facts(work.host, component.units)
        records = {name: _record(unit) for name, unit in component.units.items()}
        if any(work.ledger.units.get(name) != record for name, record in records.items()):
            work.ledger.units.update(records)
            work.save()
        _enable(work, component.units, found)
        for name in component.units:
            _run(work, name, found[name])

    def remove_stale(self, work: Work) -> None:
        for name in self._stale(work):
            work.begin_change()
            _remove(work, name)

    def _stale(self, work: Work) -> list[str]:
        return sorted(set(work.ledger.units) - set(work.document.units))

    def drift(self, host: Host, ledger: Ledger) -> list[Drift]:
        return _drift(host, ledger.units)


def _drift(host: Host, records: Mapping[str, UnitRecord]) -> list[Drift]:
    """Return how units differ from their records; systemd is asked for all of them at once."""
    found = systemd.facts(host, records)
    return [Drift("unit", name, text) for name, record in records.items() for text in _details(record, found[name])]


def _details(record: UnitRecord, found: Facts) -> list[str]:
    texts = []
    if record.state == "started" and not found.running:
        texts.append(f"not active ({found.state_text})")
    if record.state == "stopped" and found.active in ("active", "activating", "reloading"):
        texts.append(f"{found.active}, should be stopped")
    if record.enabled and found.file_state in _DISABLED:
        texts.append(found.file_state)
    if not record.enabled and found.file_state in _ENABLED:
        texts.append("enabled, should be disabled")
    return texts


def _record(unit: Unit) -> UnitRecord:
    return UnitRecord(unit.content is not None, unit.enabled, unit.state)


def _enable(work: Work, units: Mapping[str, Unit], found: Mapping[str, Facts]) -> None:
    masked = [
        name for name, unit in units.items() if found[name].file_state.startswith("masked") and unit.state == "started"
    ]
    disabled = [name for name, unit in units.items() if unit.enabled and found[name].file_state in _DISABLED]
    enabled = [name for name, unit in units.items() if not unit.enabled and found[name].file_state in _ENABLED]
    verbs: dict[Action, list[str]] = {"unmask": masked, "enable": disabled, "disable": enabled}
    for verb, names in verbs.items():
        if names:
            systemd.call(work.host, verb, names)
            for name in names:
                work.changed("unit", name, verb)


def _run(work: Work, name: str, found: Facts) -> None:
    unit, path = work.document.units[name], f"{UNIT_FOLDER}/{name}"
    changed = work.ledger.changing - work.considered.get(name, set())
    work.considered[name] = set(work.ledger.changing)
    work.cgroups[name] = found.cgroup
    if unit.state == "stopped":
        if found.active not in ("inactive", "failed"):
            _act(work, "stop", name)
        return
    if found.load == "not-found":
        raise Failure("units", f"{name}: there is no such unit on the node")
    if not found.running:
        if found.active == "failed":
            systemd.call(work.host, "reset-failed", [name])
        _act(work, "restart" if found.active == "activating" else "start", name)
    elif covers((path, f"{path}.d", *unit.restart_on), changed) or _outdated(work, unit, found, changed):
        _act(work, "restart", name)
    elif covers(unit.reload_on, changed):
        _act(work, "reload" if found.can_reload else "restart", name)


def _act(work: Work, verb: _Verb, name: str) -> None:
    work.events.progress(f"{'stopp' if verb == 'stop' else verb}ing {name}")
    work.changed("unit", name, verb)
    if verb == "stop":
        systemd.call(work.host, verb, [name])
        return
    work.started[name] = time.monotonic()
    systemd.start(work.host, verb, name)


def covers(roots: Iterable[str], changed: Iterable[str]) -> bool:
    """Return whether a changed path is one of the paths or lies below one."""
    wanted = [root.rstrip("/") for root in roots]
    return any(path == root or path.startswith(f"{root}/") for path in changed for root in wanted)


def _outdated(work: Work, unit: Unit, found: Facts, changed: Iterable[str]) -> bool:
    """Find out whether a unit still runs the old version of an upgraded package.

    /proc shows files that a process has mapped and dpkg has replaced since. A unit of ours may be an interpreted
    program, which maps nothing of the kind: it is restarted.
    """
    if not any(name.startswith("package:") for name in changed):
        return False
    if unit.content is not None:
        return True
    groups = [found.cgroup, *(part.cgroup for part in systemd.facts(work.host, found.parts).values())]
    return any(_uses_replaced(pid) for group in groups if group for pid in processes.members(group))


def _uses_replaced(pid: str) -> bool:
    with suppress(OSError), open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
        gone = (line for line in file if line.endswith(" (deleted)\n") and " r-xp " in line)
        return any("/usr/" in line or "/lib" in line for line in gone)
    return False


def restart_dependents(work: Work) -> None:
    """Restart units that depend on what a later component changed."""
    changing = work.ledger.changing
    late = [name for name in work.document.units if changing - work.considered.get(name, set())]
    for name, found in systemd.facts(work.host, late).items():
        _run(work, name, found)


def _started(units: Mapping[str, Unit]) -> list[str]:
    return [name for name, unit in units.items() if unit.state == "started"]


def verify(work: Work) -> None:
    """Fail when a unit that was started did not stay up."""
    wanted = _started(work.document.units)
    if not wanted:
        return
    if work.started:
        new = [name for name in work.started if not work.cgroups.get(name)]
        work.cgroups.update({name: found.cgroup for name, found in systemd.facts(work.host, new).items()})
        groups = [group for name in work.started if (group := work.cgroups[name])]
        processes.wait_until_quiet(groups, max(work.started.values()) + _SETTLE)
    before = systemd.facts(work.host, wanted)
    shaky = {name for name in work.started if name in before and before[name].restarts}
    if shaky:  # started again by systemd at least once: it must have stopped doing so
        time.sleep(_SETTLE)
    after = systemd.facts(work.host, wanted) if shaky else before
    for name, found in after.items():
        again = found.restarts > before[name].restarts
        if again or not found.running:
            state = "ends and is started again and again" if again else found.state_text
            said = systemd.journal(work.host, [name], work.since)
            raise Failure("units", f"{name}: {state}, expected it to stay up", stderr_tail=said)


def restart_untouched(work: Work, component: Component) -> bool:
    """Restart the units of a component that were not started or restarted yet; return whether there were any."""
    names = [name for name in _started(component.units) if name not in work.started]
    for name in names:
        _act(work, "restart", name)
    return bool(names)


def failed(work: Work, component: Component) -> str | None:
    """Return a unit that should be started and has failed for good."""
    found = systemd.facts(work.host, _started(component.units))
    return next((name for name, facts in found.items() if facts.active == "failed"), None)


def _remove(work: Work, name: str) -> None:
    """Stop and disable a unit that no document wants any more."""
    found = systemd.facts(work.host, [name])[name]
    if found.load != "not-found":
        if found.active not in ("inactive", "failed"):
            _act(work, "stop", name)
        if found.file_state in _ENABLED:
            systemd.call(work.host, "disable", [name])
        if found.active == "failed":
            systemd.call(work.host, "reset-failed", [name])
        work.changed("unit", name, "remove")
    del work.ledger.units[name]
