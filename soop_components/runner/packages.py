"""Debian packages: installed from blobs in one run, removed when the plan no longer has them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from soop_components.runner import dpkg
from soop_components.runner.dpkg import Installed
from soop_components.runner.failure import Failure, describe
from soop_components.runner.host import Host, remove_tree
from soop_components.runner.ledger import Ledger, PackageRecord
from soop_components.runner.managed import Managed
from soop_components.runner.plan import Package
from soop_components.runner.protocol import Change, Drift
from soop_components.runner.work import Work

_SHOW_EVERY = 1.0
"""Seconds between progress lines while dpkg runs."""

Known = Mapping[str, Installed]
Relations = Mapping[str, Mapping[str, set[str]]]


class Packages(Managed):
    """The packages of the whole plan."""

    step = "packages"

    def check(self, work: Work) -> None:
        refuse_older(work, _known(work))

    def pending(self, work: Work) -> Iterable[Change]:
        yield from (Change("package", name, "install") for name in needed(work, _known(work)))
        yield from (Change("package", name, "remove") for name in removable(work))

    def prepare(self, work: Work) -> None:
        """Install what is missing, after finishing what an interrupted run left."""
        known = _known(work)
        broken = [name for name, found in known.items() if found.status[1:2] in "HUFWt" or "R" in found.status[2:]]
        todo = needed(work, known)
        if not todo and not (broken and work.ledger.installing):
            _note(work, known, ())
            return
        work.begin_change()
        leaving = [name for name in removable(work) if f"{name}:{work.ledger.packages[name].architecture}" in broken]
        if leaving:
            _remove(work, leaving)
        with dpkg.guarded(work.host):
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
        leaving = removable(work)
        if leaving:
            _remove(work, leaving)
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
        if found.version != package.version and dpkg.is_older(work.host, package.version, found.version):
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
        relations = dpkg.relations(work.host, archives.values())
        _make_room(work, relations)
        for names in runs(todo, relations):
            dpkg.install(work.host, [archives[name] for name in names], _progress(work, len(todo)))
    work.host.sync()
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


def runs(names: Collection[str], relations: Relations) -> list[list[str]]:
    """Split packages into runs of dpkg: pre-dependencies, with what they depend on, go first."""
    needs = {package: relations[package]["Pre-Depends"] | relations[package]["Depends"] for package in names}
    first = {name for package in names for name in relations[package]["Pre-Depends"] if name in names}
    while more := {name for package in first for name in needs[package] if name in names} - first:
        first |= more
    if not first or len(first) == len(names):
        return [sorted(names)]
    return [*runs(first, relations), sorted(set(names) - first)]


def _make_room(work: Work, relations: Relations) -> None:
    """Remove those of our packages that the plan has no more and that new ones exclude."""
    excluded = {name for fields in relations.values() for field in ("Conflicts", "Breaks") for name in fields[field]}
    leaving = [name for name in removable(work) if name in excluded]
    if leaving:
        _remove(work, leaving)


def removable(work: Work) -> list[str]:
    """Return packages that we installed, that the plan no longer has, and that nothing else needs."""
    ours = {name for name, record in work.ledger.packages.items() if record.before is None}
    stale = ours - set(work.document.packages)
    return sorted(stale - dpkg.needed_by_others(work.host, stale)) if stale else []


def _remove(work: Work, leaving: list[str]) -> None:
    work.events.progress(f"removing {len(leaving)} packages")
    work.begin_change()
    dpkg.remove(work.host, leaving)
    work.installed = None
    for name in leaving:
        del work.ledger.packages[name]
        work.changed("package", name, "remove")
    work.save()


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
