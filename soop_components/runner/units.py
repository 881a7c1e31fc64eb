"""Units: enabled and started as the plan says, restarted or reloaded when something they depend on has changed."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from soop_components.runner import dpkg, interpreted, processes, systemd, unit_files
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.ledger import Ledger, UnitRecord
from soop_components.runner.managed import Managed
from soop_components.runner.plan import Component, Unit
from soop_components.runner.systemd import Facts, is_template
from soop_components.runner.touched import Touched, covered, paths_of
from soop_components.runner.unit_watch import loops, wanted_up
from soop_components.runner.vocabulary import Action, Change, Drift
from soop_components.runner.work import Work

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
        records = _records(component.units)
        return [Change("unit", found.subject, "configure") for found in _drift(work.host, records)]

    def carry_out(self, work: Work, component: Component) -> None:
        if not component.units:
            return
        found = systemd.facts(work.host, component.units)
        if _read_again(work, any(unit.stale for unit in found.values())):
            found = systemd.facts(work.host, component.units)
        records = _records(component.units)
        if new := [name for name, record in records.items() if work.ledger.units.get(name) != record]:
            work.ledger.units.update(records)
            work.begin_change(new, "new")
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
    if record.state == "started" and loops(found):
        texts.append(f"ended and was started again {found.restarts} times, the last time in the last ten minutes")
    if record.state == "stopped" and found.active in ("active", "activating", "reloading"):
        texts.append(f"{found.active}, should be stopped")
    if record.enabled and found.file_state in _DISABLED:
        texts.append(found.file_state)
    if not record.enabled and found.file_state in _ENABLED:
        texts.append("enabled, should be disabled")
    return texts


def _records(units: Mapping[str, Unit]) -> dict[str, UnitRecord]:
    return {
        name: UnitRecord(unit.content is not None, unit.enabled, "unmanaged" if is_template(name) else unit.state)
        for name, unit in units.items()
    }


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
    unit = work.document.units[name]
    changed = work.ledger.changing - work.considered.get(name, set())
    work.considered[name] = set(work.ledger.changing)
    work.cgroups[name] = found.cgroup
    if is_template(name):
        return
    if unit.state == "started" and found.load == "not-found":
        raise Failure("units", f"{name}: there is no such unit on the node")
    verb = _verb(work, name, found, changed)
    if verb is not None:
        _act(work, verb, name, found)


def _verb(work: Work, name: str, found: Facts, changed: Collection[Touched]) -> _Verb | None:
    """Return what has to be done with a unit of the plan."""
    unit, names = work.document.units[name], {name, *found.names}
    if unit.state != "started":
        return "stop" if unit.state == "stopped" and found.active not in ("inactive", "failed") else None
    about = {each.what for each in changed if each.name in names}
    asked = about & {"restart", "stop", "reload"} if found.active in ("active", "reloading") else set()
    places, paths = work.host.places, set(paths_of(changed))
    restart = covered(places, (*unit.restart_on, *_read_for(names, found)), paths) or asked - {"reload"}
    if found.active == "activating" and (restart or not found.starting):
        return "restart"
    if not found.running or (found.oneshot and "new" in about):
        # A socket cannot be started while its service runs; a restart takes the service along.
        return "restart" if any(name.endswith(".socket") for name in names) else "start"
    asked_for = work.restarting and name not in work.started and name.endswith(".service") and not found.oneshot
    if restart or asked_for or loops(found) or _outdated(work, unit, found, changed):
        return "restart"
    if asked or covered(places, unit.reload_on, paths):
        return "reload" if found.can_reload else "restart"
    return None


def _read_for(names: Iterable[str], found: Facts) -> list[str]:
    """Return the paths that systemd reads for a unit, the ones that it has read and those that it may find."""
    return [*found.paths, *(place for name in names for place in unit_files.places(name))]


def _read_again(work: Work, is_stale: bool = False) -> bool:
    """Let systemd read its files again if some have changed; return whether it did.

    Running units outside of the plan whose files have changed restart later: a target of the plan or a timer may have
    started them, or they are instances of a template of the plan.
    """
    paths = set(paths_of(work.ledger.changing - work.known_to_systemd))
    if not is_stale and not covered(work.host.places, unit_files.FOLDERS, paths):
        return False
    systemd.call(work.host, "daemon-reload")
    work.known_to_systemd |= work.ledger.changing
    if patterns := unit_files.patterns(paths):
        found = systemd.facts(work.host, systemd.loaded(work.host, *patterns))
        strangers = {name for name, facts in found.items() if not facts.connection} - work.document.units.keys()
        work.begin_change(strangers, "restart")
    return True


def _act(work: Work, verb: _Verb, name: str, found: Facts) -> None:
    """Call a verb for one unit that was found so."""
    work.events.progress(f"{'stopp' if verb == 'stop' else verb}ing {name}")
    work.changed("unit", name, verb)
    if verb == "stop":
        systemd.call(work.host, verb, [name])
        return
    if found.active == "failed" or (found.active == "activating" and not found.starting):
        systemd.call(work.host, "reset-failed", [name])  # otherwise systemd counts on how often it starts it itself
    work.started[name] = time.monotonic()
    work.restarts[name] = found.restarts if verb == "reload" or (verb == "start" and found.starting) else 0
    systemd.start(work.host, verb, name)


def _outdated(work: Work, unit: Unit, found: Facts, changed: Iterable[Touched]) -> bool:
    """Return whether a unit runs files that an upgraded or removed package replaced, or misses what others bring.

    /proc shows the programs and libraries that a process has mapped: files that dpkg has replaced since, and those of
    packages that dpkg informed of a change, as it informs PHP of its extensions. An interpreted program maps nothing of
    the kind: a unit of ours may be one, and restarts after upgrades; one of a package after those of what it needs.
    """
    happened = {each.what for each in changed}
    if happened & {"installed", "removed"} and unit.content is not None:
        return True
    if not happened & {"installed", "removed", "triggered"}:
        return False
    groups = [found.cgroup, *(part.cgroup for part in systemd.facts(work.host, found.parts).values())]
    pids = [pid for group in groups if group for pid in processes.members(group)]
    mapped = {path for pid in pids for path in processes.mapped(pid)}
    if any(path.endswith(" (deleted)") and ("/usr/" in path or "/lib" in path) for path in mapped):
        return True
    if interpreted.uses(work.host, found.paths, pids, changed):
        return True
    triggered = sorted(each.name for each in changed if each.what == "triggered")
    return bool(triggered and mapped & dpkg.files(work.host, triggered))


def restart_dependents(work: Work) -> None:
    """Restart units that depend on what a later component changed, and units of others that packages ask for."""
    _read_again(work)
    changing = work.ledger.changing
    late = [name for name in work.document.units if changing - work.considered.get(name, set())]
    for name, found in systemd.facts(work.host, late).items():
        _run(work, name, found)
    _carry_out_requests(work)


def _carry_out_requests(work: Work) -> None:
    """Restart, reload or stop running units outside of the plan where packages ask for it; failures end no apply."""
    verbs: tuple[_Verb, ...] = ("reload", "restart", "stop")
    touched = sorted(work.ledger.changing)
    asked = {name: verb for verb in verbs for what, name in touched if what == verb}
    todo = [name for name, verb in asked.items() if Touched(verb, name) not in work.considered.get(name, set())]
    for name, found in systemd.facts(work.host, todo).items():
        work.considered[name] = set(touched)
        if found.active not in ("active", "reloading") or {name, *found.names} & set(work.document.units):
            continue
        verb = "restart" if asked[name] == "reload" and not found.can_reload else asked[name]
        try:
            systemd.call(work.host, verb, [name])
            work.changed("unit", name, verb)
        except Failure as failure:
            work.events.progress(str(failure))


def restart_untouched(work: Work, component: Component) -> bool:
    """Restart the units of a component that were not started yet and are not starting; return whether there are any."""
    untouched = [name for name in wanted_up(component.units) if name not in work.started]
    hanging = {name: found for name, found in systemd.facts(work.host, untouched).items() if not found.starting}
    for name, found in hanging.items():
        _act(work, "restart", name, found)
    return bool(hanging)


def _remove(work: Work, name: str) -> None:
    """Stop and disable a unit that no document wants any more."""
    found = systemd.facts(work.host, [name])[name]
    if found.load != "not-found":
        if found.active not in ("inactive", "failed") and work.ledger.units[name].state != "unmanaged":
            _act(work, "stop", name, found)
        if found.file_state in _ENABLED:
            systemd.call(work.host, "disable", [name])
        if found.active == "failed":
            systemd.call(work.host, "reset-failed", [name])
        work.changed("unit", name, "remove")
    del work.ledger.units[name]
