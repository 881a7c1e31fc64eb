"""Debian packages: installed from blobs in one run, removed when the plan no longer has them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping

from soop_components.runner import account_numbers, debconf, dpkg, replaced, systemd, unit_requests
from soop_components.runner import package_needs as needs
from soop_components.runner.conflicts import CLAIM
from soop_components.runner.failure import describe
from soop_components.runner.files import Files
from soop_components.runner.host import Host
from soop_components.runner.ledger import Installing, Ledger, PackageRecord
from soop_components.runner.links import Links
from soop_components.runner.managed import Managed
from soop_components.runner.observed import observed
from soop_components.runner.package_order import ordered, runs
from soop_components.runner.units import Units
from soop_components.runner.vocabulary import Change, Drift
from soop_components.runner.work import Work

_SHOW_EVERY = 1.0
"""Seconds between progress lines while dpkg runs."""


class Packages(Managed):
    """The packages of the whole plan."""

    step = "packages"

    def check(self, work: Work) -> None:
        known = needs.known_to_dpkg(work)
        needs.refuse_older(work, known)
        todo = needs.needed(work, known)
        digests = [work.document.packages[name].digest for name in todo]
        if not work.rolling_back and work.host.has(CLAIM):
            needs.refuse_lacking(work)
        if todo and not work.rolling_back and not work.blobs.missing(digests):
            needs.refuse_excluded(work, todo)
            if work.host.has(CLAIM):
                needs.refuse_unmet(work, todo)

    def pending(self, work: Work) -> Iterable[Change]:
        yield from (Change("package", name, "install") for name in needs.needed(work, needs.known_to_dpkg(work)))
        yield from (Change("package", name, "remove") for name in needs.removable(work, in_place=True))

    def prepare(self, work: Work) -> None:
        """Install what is missing, after finishing what an interrupted run left."""
        known = needs.known_to_dpkg(work)
        broken = [name for name, found in known.items() if found.status[1:2] in "HUFWt" or "R" in found.status[2:]]
        todo = needs.needed(work, known)
        if todo or debconf.to_configure_anew(work) or (broken and work.ledger.installing):
            began = time.monotonic()
            try:
                with observed(work):
                    self._install(work, known, todo, broken)
                    _configure_anew(work)
            finally:
                account_numbers.remember(work)  # of packages, too, of which others then could not be installed
            _note_started(work, began)
        else:
            _note(work, known, ())
        _note_requests(work)  # also those of packages that a killed apply was installing

    def _install(self, work: Work, known: needs.Known, todo: list[str], broken: list[str]) -> None:
        stale = needs.removable(work, in_place=False)
        leaving = [name for name in stale if f"{name}:{work.ledger.packages[name].architecture}" in broken]
        if leaving:
            _remove(work, leaving)
        if broken:
            work.events.progress("finishing packages that were left half installed")
            dpkg.repair(work.host)
            known = dpkg.installed(work.host)
            todo = needs.needed(work, known)
        if todo:
            _install(work, known, todo)
        work.ledger.installing = None

    def remove_stale(self, work: Work) -> None:
        """Remove packages of an earlier plan, and forget those that were there before us."""
        leaving = needs.removable(work, in_place=not needs.needed(work, needs.known_to_dpkg(work)))
        if leaving:
            with observed(work):
                _remove(work, leaving)
            _note_requests(work)
        for name in set(work.ledger.packages) - set(work.document.packages):
            if work.ledger.packages[name].before is not None:
                del work.ledger.packages[name]

    def records(self, ledger: Ledger) -> Mapping[str, PackageRecord]:
        return ledger.packages

    def drift(self, host: Host, ledger: Ledger) -> list[Drift]:
        try:
            if not ledger.packages or (ledger.dpkg_status and ledger.dpkg_status == dpkg.status_state(host)):
                return []
            known = dpkg.installed(host)
        except OSError as error:
            return [Drift("error", "packages", describe(error))]
        details = {name: _detail(name, record, known) for name, record in sorted(ledger.packages.items())}
        return [Drift("package", name, detail) for name, detail in details.items() if detail]


def _detail(name: str, record: PackageRecord, known: needs.Known) -> str:
    """Return how a package differs from its record, in words; nothing if it does not."""
    found = known.get(f"{name}:{record.architecture}")
    if found is None or not found.present:
        return "not installed"
    if found.version != record.version:
        return f"{found.version} installed, not {record.version}"
    return "" if found.whole else "half installed"


def _install(work: Work, known: needs.Known, todo: list[str]) -> None:
    work.events.progress(f"installing {len(todo)} packages")
    _note(work, known, todo)
    work.ledger.installing = Installing(needs.boot_id(), tuple(todo))
    work.begin_change(todo, "installed")
    with needs.linked_archives(work, todo) as archives:
        controls = needs.controls_of(work, archives)
        _divert_conffiles(work, archives.values())
        _make_room(work, controls)
        _make_way(work, archives.values())
        order, removed = ordered(runs(todo, controls), needs.barred_by(work, controls))
        if removed:
            dpkg.remove(work.host, sorted(removed), to_be_replaced=True)
        steps = [{name: archives[name] for name in names} for names in order]
        dpkg.install(work.host, steps, _progress(work, len(todo)))
    work.host.sync()
    work.installed = None
    for name in todo:
        work.changed("package", name, "install")


def _configure_anew(work: Work) -> None:
    """Let packages take notice of other answers to their questions."""
    if names := debconf.to_configure_anew(work):
        work.events.progress(f"configuring {', '.join(names)} anew, by other answers to debconf's questions")
        dpkg.reconfigure(work.host, names)
        for name in names:
            work.changed("package", name.partition(":")[0], "configure")
    work.ledger.reconfigure.clear()


def _note(work: Work, known: needs.Known, todo: Collection[str]) -> None:
    """Remember which packages are ours from now on, and what was there before us."""
    for name in todo:
        package = work.document.packages[name]
        found = known.get(f"{name}:{package.architecture}")
        record = work.ledger.packages.get(name)
        before = record.before if record else (found.version if found and found.present else None)
        work.ledger.packages[name] = PackageRecord(package.version, before, package.architecture)
    for name, package in work.document.packages.items():
        if name not in work.ledger.packages:
            work.ledger.packages[name] = PackageRecord(package.version, package.version, package.architecture)


def _make_room(work: Work, new: needs.Controls) -> None:
    """Remove our packages that the plan has no more, if new ones exclude some of them; their units end before."""
    leaving = needs.removable(work, in_place=True)
    found = needs.exclusions(work, new) if leaving else ()
    if excluded := {name: reason for name, reason in found if name in leaving}:
        Units().remove_stale(work)
        for name, reason in excluded.items():
            work.events.progress(f"removing {name}: {reason}")
        _remove(work, leaving, to_be_replaced=True)


def _make_way(work: Work, archives: Iterable[str]) -> None:
    """Remove files and links of the version before early if a package brings a folder at the path of one."""
    stale = {name for path in work.ledger.paths - work.document.paths for name in replaced.names_of(path)}
    if any(stale & dpkg.folders(work.host, archive) for archive in archives if stale):
        for kind in (Files(), Links()):
            kind.remove_stale(work)


def _divert_conffiles(work: Work, archives: Iterable[str]) -> None:
    """Divert configuration files that new versions bring where we have files of ours: dpkg would leave ours there."""
    diverted = replaced.diversions(work.host)
    ours = {name: path for path in work.ledger.paths - diverted.keys() for name in replaced.names_of(path)}
    brought = {name for archive in archives if ours for name in dpkg.conffiles(work.host, archive)}
    known = replaced.owned_by_packages(work.host, {ours[name] for name in brought & ours.keys()})
    replaced.divert(work.host, {ours[name]: name for name in brought & ours.keys() if ours[name] not in known})


def _remove(work: Work, leaving: list[str], to_be_replaced: bool = False) -> None:
    work.events.progress(f"removing {len(leaving)} packages")
    work.begin_change(leaving, "removed")
    dpkg.remove(work.host, leaving, to_be_replaced)
    work.installed = None
    for name in leaving:
        del work.ledger.packages[name]
        work.changed("package", name, "remove")
    work.save()


def _note_requests(work: Work) -> None:
    """Note what packages have asked of units, for the step that configures units."""
    if asked := unit_requests.taken(work.host):
        work.touch(asked)
        unit_requests.forget(work.host)


def _note_started(work: Work, since: float) -> None:
    """Let units restart that were started before they are configured: scripts may call systemctl by its path."""
    found = systemd.facts(work.host, work.document.units)
    work.begin_change((name for name, facts in found.items() if facts.began > since), "restart")


def _progress(work: Work, total: int) -> Callable[[str], None]:
    """Return what takes dpkg's output line by line and reports how far it is, not too often."""
    counts, shown = {"Unpacking": 0, "Setting": 0}, time.monotonic()

    def on_line(line: str) -> None:
        nonlocal shown
        word = line.partition(" ")[0]
        counts[word] = counts.get(word, 0) + 1
        if time.monotonic() >= shown + _SHOW_EVERY:
            shown = time.monotonic()
            far = f"{counts['Unpacking']} unpacked, {counts['Setting']} set up"
            work.events.progress(f"installing {total} packages ({far})")

    return on_line
