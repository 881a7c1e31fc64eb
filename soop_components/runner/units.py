"""Units: enabled and started as the plan says, restarted or reloaded when what they depend on has changed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

from soop_components.runner import processes, systemd
from soop_components.runner.document import UNIT_FOLDER
from soop_components.runner.failure import Failure, tail
from soop_components.runner.host import Host
from soop_components.runner.ledger import UnitRecord
from soop_components.runner.plan import Component, Unit
from soop_components.runner.systemd import Facts
from soop_components.runner.work import Work

_SETTLE = 1.0
"""Seconds a unit must stay up after a start to count as started: one with a mistake often lives for a moment.

Less for one that sleeps before: it waits for work, and has done what it could have failed at.
"""
_RELOADING = (
    "/etc/systemd/system/",
    "/usr/lib/systemd/system/",
    "/lib/systemd/system/",
    "/usr/local/lib/systemd/system/",
)
_ENABLED = {"enabled", "enabled-runtime"}


def pending(work: Work, component: Component) -> list[str]:
    """Say which units are not enabled or running as they shall be."""
    found = systemd.facts(work.host, component.units)
    records = {name: _record(unit) for name, unit in component.units.items()}
    return [text for name, record in records.items() for text in drift(name, record, found[name])]


def drift(name: str, record: UnitRecord, found: Facts) -> list[str]:
    """Say how a unit differs from how we left it."""
    texts = []
    if record.state == "started" and not found.running:
        texts.append(f"unit {name}: not active ({found.state_text})")
    if record.state == "stopped" and found.active in ("active", "activating", "reloading"):
        texts.append(f"unit {name}: {found.active}, should be stopped")
    if record.enabled and found.file_state in ("disabled", "masked", "masked-runtime"):
        texts.append(f"unit {name}: {found.file_state}")
    if not record.enabled and found.file_state in _ENABLED:
        texts.append(f"unit {name}: enabled, should be disabled")
    return texts


def carry_out(work: Work, component: Component) -> None:
    """Bring the units of a component into their state."""
    if not component.units:
        return
    found = systemd.facts(work.host, component.units)
    if _must_read_again(work) or any(unit.stale for unit in found.values()):
        systemd.tell(work.host, "daemon-reload")
        work.known_to_systemd |= work.ledger.changing
        found = systemd.facts(work.host, component.units)
    if any(work.ledger.units.get(name) != _record(unit) for name, unit in component.units.items()):
        work.ledger.units.update({name: _record(unit) for name, unit in component.units.items()})
        work.save()
    _enable(work, component.units, found)
    for name in component.units:
        _run(work, name, found[name])


def _must_read_again(work: Work) -> bool:
    return any(path.startswith(_RELOADING) for path in work.ledger.changing - work.known_to_systemd)


def _record(unit: Unit) -> UnitRecord:
    return UnitRecord(unit.content is not None, unit.enabled, unit.state)


def _enable(work: Work, units: Mapping[str, Unit], found: Mapping[str, Facts]) -> None:
    masked = [
        name for name, unit in units.items() if found[name].file_state.startswith("masked") and unit.state == "started"
    ]
    wrong = {name: unit for name, unit in units.items() if _enabled_wrongly(unit, found[name])}
    for verb, names in (
        ("unmask", masked),
        ("enable", [name for name, unit in wrong.items() if unit.enabled]),
        ("disable", [name for name, unit in wrong.items() if not unit.enabled]),
    ):
        if names:
            systemd.tell(work.host, verb, names)
            for name in names:
                work.changed(f"unit {name} {verb}d" if verb != "unmask" else f"unit {name} unmasked")


def _enabled_wrongly(unit: Unit, found: Facts) -> bool:
    if unit.enabled:
        return found.file_state in ("disabled", "masked", "masked-runtime")
    return found.file_state in _ENABLED


def _run(work: Work, name: str, found: Facts) -> None:
    unit = work.document.units[name]
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
            systemd.tell(work.host, "reset-failed", [name])
        _act(work, "restart" if found.active == "activating" else "start", name)
    elif _own_file_changed(name, changed) or covers(unit.restart_on, changed) or _outdated(work, unit, found, changed):
        _act(work, "restart", name)
    elif covers(unit.reload_on, changed):
        _act(work, "reload" if found.can_reload else "restart", name)


def _act(work: Work, verb: str, name: str) -> None:
    words = {"stop": "stopping", "start": "starting", "restart": "restarting", "reload": "reloading"}
    work.events.progress(f"{words[verb]} {name}")
    work.changed(f"unit {name} {verb}ed" if verb != "stop" else f"unit {name} stopped")
    if verb == "stop":
        systemd.tell(work.host, verb, [name])
        return
    work.started[name] = time.monotonic()
    systemd.start(work.host, verb, name)


def _own_file_changed(name: str, changed: Iterable[str]) -> bool:
    return covers((f"{UNIT_FOLDER}/{name}", f"{UNIT_FOLDER}/{name}.d"), changed)


def covers(roots: Iterable[str], changed: Iterable[str]) -> bool:
    """Tell whether a changed path is one of the paths or lies below one."""
    wanted = [root.rstrip("/") for root in roots]
    return any(path == root or path.startswith(f"{root}/") for path in changed for root in wanted)


def _outdated(work: Work, unit: Unit, found: Facts, changed: Iterable[str]) -> bool:
    """Tell whether an upgraded package is still in use in its old version.

    Programs that map what was replaced show it in /proc. Ours may be interpreted, and then do not: they restart.
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


def sweep(work: Work) -> None:
    """Restart units that depend on what a later component changed."""
    changing = work.ledger.changing
    late = [name for name in work.document.units if changing - work.considered.get(name, set())]
    for name, found in systemd.facts(work.host, late).items():
        _run(work, name, found)


def verify(work: Work) -> None:
    """Fail when a unit that was started did not stay up."""
    wanted = {name: unit for name, unit in work.document.units.items() if unit.state == "started"}
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
            said = systemd.journal(work.host, name, work.since)
            raise Failure("units", f"{name}: {state}, expected it to stay up", stderr_tail=said)


def restart_untouched(work: Work, component: Component) -> bool:
    """Restart the units of a component that were left as they were; tell whether there were any."""
    names = [name for name, unit in component.units.items() if unit.state == "started" and name not in work.started]
    for name in names:
        _act(work, "restart", name)
    return bool(names)


def failed(work: Work, component: Component) -> str | None:
    """Return a unit that shall be started and has failed for good."""
    wanted = [name for name, unit in component.units.items() if unit.state == "started"]
    return next((name for name, found in systemd.facts(work.host, wanted).items() if found.active == "failed"), None)


def journal(work: Work, component: Component) -> str:
    """Return the last lines of what a component's units said meanwhile."""
    said = [
        systemd.journal(work.host, name, work.since)
        for name, unit in component.units.items()
        if unit.state == "started"
    ]
    return tail("\n".join(filter(None, said)))


def end(work: Work, name: str) -> None:
    """Stop and disable a unit that no plan wants any more."""
    found = systemd.facts(work.host, [name])[name]
    if found.load != "not-found":
        if found.active not in ("inactive", "failed"):
            _act(work, "stop", name)
        if found.file_state in _ENABLED:
            systemd.tell(work.host, "disable", [name])
        if found.active == "failed":
            systemd.tell(work.host, "reset-failed", [name])
        work.changed(f"unit {name} given up")
    del work.ledger.units[name]


def drift_of_all(host: Host, records: Mapping[str, UnitRecord]) -> list[str]:
    """Say how all units differ from how we left them."""
    found = systemd.facts(host, records)
    return [text for name, record in records.items() for text in drift(name, record, found[name])]
