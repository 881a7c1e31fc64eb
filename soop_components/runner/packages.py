"""Debian packages: installed from blobs in one run, removed when the plan no longer has them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from soop_components.runner import dpkg, relations, replaced, unit_requests
from soop_components.runner.dpkg import Installed
from soop_components.runner.failure import Failure, describe
from soop_components.runner.host import Host, remove_tree
from soop_components.runner.ledger import Ledger, PackageRecord
from soop_components.runner.managed import Managed
from soop_components.runner.observed import observed
from soop_components.runner.plan import Package
from soop_components.runner.protocol import Change, Drift
from soop_components.runner.relations import Control
from soop_components.runner.units import Units
from soop_components.runner.work import Work

_SHOW_EVERY = 1.0
"""Seconds between progress lines while dpkg runs."""

Known = Mapping[str, Installed]
Controls = Mapping[str, Control]


class Packages(Managed):
    """The packages of the whole plan."""

    step = "packages"

    def check(self, work: Work) -> None:
        known = _known(work)
        refuse_older(work, known)
        todo = needed(work, known)
        if (
            todo
            and not work.rolling_back
            and not work.blobs.missing(work.document.packages[name].digest for name in todo)
        ):
            _refuse_excluded(work, todo)

    def pending(self, work: Work) -> Iterable[Change]:
        yield from (Change("package", name, "install") for name in needed(work, _known(work)))
        yield from (Change("package", name, "remove") for name in removable(work, in_place=True))

    def prepare(self, work: Work) -> None:
        """Install what is missing, after finishing what an interrupted run left."""
        known = _known(work)
        broken = [name for name, found in known.items() if found.status[1:2] in "HUFWt" or "R" in found.status[2:]]
        todo = needed(work, known)
        if todo or (broken and work.ledger.installing):
            with observed(work):
                self._install(work, known, todo, broken)
        else:
            _note(work, known, ())
        _note_requests(work)  # also those of packages that a killed apply was installing

    def _install(self, work: Work, known: Known, todo: list[str], broken: list[str]) -> None:
        stale = removable(work, in_place=False)
        leaving = [name for name in stale if f"{name}:{work.ledger.packages[name].architecture}" in broken]
        if leaving:
            _remove(work, leaving)
        if broken:
            work.events.progress("finishing packages that were left half installed")
            dpkg.repair(work.host)
            known = dpkg.installed(work.host)
            todo = needed(work, known)
        if todo:
            _install(work, known, todo)
        work.ledger.installing = None

    def remove_stale(self, work: Work) -> None:
        """Remove packages of an earlier plan, and forget those that were there before us."""
        leaving = removable(work, in_place=not needed(work, _known(work)))
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


def _detail(name: str, record: PackageRecord, known: Known) -> str:
    """Return how a package differs from its record, in words; nothing if it does not."""
    found = known.get(f"{name}:{record.architecture}")
    if found is None or not found.present:
        return "not installed"
    if found.version != record.version:
        return f"{found.version} installed, not {record.version}"
    return "" if found.whole else "half installed"


def _known(work: Work) -> Known:
    """Ask dpkg, once, unless the plan has no packages."""
    if work.installed is None:
        work.installed = dpkg.installed(work.host) if work.document.packages else {}
    return work.installed


def needed(work: Work, known: Known) -> list[str]:
    """Return the packages that must be installed, upgraded or repaired."""
    doubtful = _doubtful(work)
    wanted = sorted(work.document.packages.items())
    return [name for name, package in wanted if name in doubtful or not _right(name, package, known)]


def _right(name: str, package: Package, known: Known) -> bool:
    found = known.get(f"{name}:{package.architecture}")
    return found is not None and found.whole and found.version == package.version


def _doubtful(work: Work) -> set[str]:
    """Return packages that dpkg was installing when the machine stopped: their files may not be on the disk."""
    if work.ledger.installing is None or work.ledger.installing["boot"] == boot_id():
        return set()
    return set(work.ledger.installing["packages"])


def boot_id() -> str:
    """Return the id of this start of the machine."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def refuse_older(work: Work, known: Known) -> None:
    """Fail if the plan would replace packages of the host by older ones, unless it is a rollback or they are ours."""
    if work.rolling_back:
        return
    newer = []
    for name, package in sorted(work.document.packages.items()):
        found, record = known.get(f"{name}:{package.architecture}"), work.ledger.packages.get(name)
        if found is None or not found.present or (record is not None and record.version == found.version):
            continue
        if found.version != package.version and dpkg.compare(work.host, package.version, "<<", found.version):
            newer.append(f"{name} {found.version} (plan: {package.version})")
    if newer:
        what = f"the node has newer packages than the plan, and none is replaced by an older one: {', '.join(newer)}"
        raise Failure("packages", what)


def _install(work: Work, known: Known, todo: list[str]) -> None:
    work.events.progress(f"installing {len(todo)} packages")
    _note(work, known, todo)
    upgraded = [f"package:{name}" for name in todo if f"{name}:{work.document.packages[name].architecture}" in known]
    work.ledger.installing = {"boot": boot_id(), "packages": todo}
    work.begin_change(upgraded)
    with _archives(work, todo) as archives:
        controls = _controls(work, archives)
        _divert_conffiles(work, archives.values())
        _make_room(work, controls)
        steps = [{name: archives[name] for name in names} for names in runs(todo, controls)]
        dpkg.install(work.host, steps, _progress(work, len(todo)))
    work.host.sync()
    work.installed = None
    for name in todo:
        work.changed("package", name, "install")


def _note(work: Work, known: Known, todo: Collection[str]) -> None:
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


def runs(names: Collection[str], controls: Controls) -> list[list[str]]:
    """Split packages into runs of dpkg: pre-dependencies, with what they depend on, go first."""
    needs = {name: controls[name].names("Pre-Depends") | controls[name].names("Depends") for name in names}
    first = {name for package in names for name in controls[package].names("Pre-Depends") if name in names}
    while more := {name for package in first for name in needs[package] if name in names} - first:
        first |= more
    if not first or len(first) == len(names):
        return [sorted(names)]
    return [*runs(first, controls), sorted(set(names) - first)]


def _refuse_excluded(work: Work, todo: list[str]) -> None:
    """Fail if new packages exclude some that stay since they are not ours, or since others need them."""
    with _archives(work, todo) as archives:
        new = _controls(work, archives)
    going = {*work.document.packages, *removable(work, in_place=True)}
    reasons = [reason for found, reason in _exclusions(work, new) if found not in going]
    if reasons:
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        why = "which soop did not install, or which other packages need"
        raise Failure("packages", f"{reasons[0]}, {why}{more}; remove it by hand, or leave the new one out")


def _make_room(work: Work, new: Controls) -> None:
    """Remove our packages that the plan has no more, if new ones exclude some of them; their units end before."""
    leaving = removable(work, in_place=True)
    excluded = {name: reason for name, reason in _exclusions(work, new) if name in leaving} if leaving else {}
    if excluded:
        Units().remove_stale(work)
        for name, reason in excluded.items():
            work.events.progress(f"removing {name}: {reason}")
        _remove(work, leaving, to_be_replaced=True)


def _controls(work: Work, archives: Mapping[str, str]) -> Controls:
    """Return what archives say of themselves, read once."""
    work.controls |= dpkg.controls(work.host, (path for name, path in archives.items() if name not in work.controls))
    return {name: work.controls[name] for name in archives}


def _exclusions(work: Work, new: Controls) -> Iterator[tuple[str, str]]:
    """Yield the packages of the node that cannot be together with new ones, each with the reason."""

    def compare(version: str, operator: str, other: str) -> bool:
        return dpkg.compare(work.host, version, operator, other)

    for found in dpkg.there(work.host):
        for control in new.values():
            if found.name != control.name and (reason := relations.reason(control, found, compare)):
                yield found.name, reason


def _divert_conffiles(work: Work, archives: Iterable[str]) -> None:
    """Divert configuration files that new versions bring where we have files of ours: dpkg would leave ours there."""
    diverted = replaced.diversions(work.host)
    ours = {name: path for path in work.ledger.paths - diverted.keys() for name in replaced.names_of(path)}
    brought = {name for archive in archives if ours for name in dpkg.conffiles(work.host, archive)}
    known = replaced.owned_by_packages(work.host, {ours[name] for name in brought & ours.keys()})
    replaced.divert(work.host, {ours[name]: name for name in brought & ours.keys() if ours[name] not in known})


def removable(work: Work, in_place: bool) -> list[str]:
    """Return packages that we installed, that the plan no longer has, and that nothing else needs.

    Once its packages are ``in_place``, the plan needs none besides them; before, their older versions may.
    """
    ours = {name for name, record in work.ledger.packages.items() if record.before is None}
    stale = ours - set(work.document.packages)
    but = work.document.packages if in_place else ()
    return sorted(stale - dpkg.needed_by_others(work.host, stale, but)) if stale else []


def _remove(work: Work, leaving: list[str], to_be_replaced: bool = False) -> None:
    work.events.progress(f"removing {len(leaving)} packages")
    work.begin_change(f"removed:{name}" for name in leaving)
    dpkg.remove(work.host, leaving, to_be_replaced)
    work.installed = None
    for name in leaving:
        del work.ledger.packages[name]
        work.changed("package", name, "remove")
    work.save()


def _note_requests(work: Work) -> None:
    """Note what packages have asked of units, for the step that configures units."""
    if asked := unit_requests.taken(work.host):
        work.begin_change(asked)
        unit_requests.forget(work.host)


@contextmanager
def _archives(work: Work, todo: list[str]) -> Iterator[dict[str, str]]:
    """Link the blobs under the names that packages go by."""
    folder = work.host.kept("debs")
    remove_tree(folder)
    os.makedirs(folder, 0o700)
    try:
        paths = {}
        for name in todo:
            package = work.document.packages[name]
            version = package.version.replace(":", "%3a")
            paths[name] = os.path.join(folder, f"{name}_{version}_{package.architecture}.deb")
            os.symlink(work.blobs.checked(package.digest), paths[name])
        yield paths
    finally:
        remove_tree(folder)


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
