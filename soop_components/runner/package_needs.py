"""Which packages a node needs, which have to go, and which cannot be together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from soop_components.runner import dpkg, relations
from soop_components.runner.dpkg import Installed
from soop_components.runner.failure import Failure
from soop_components.runner.host import remove_tree
from soop_components.runner.plan import Package
from soop_components.runner.relations import Control
from soop_components.runner.work import Work

Known = Mapping[str, Installed]
Controls = Mapping[str, Control]


def known_to_dpkg(work: Work) -> Known:
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
    at_work = work.ledger.installing
    return set() if at_work is None or at_work.boot == boot_id() else set(at_work.packages)


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


def removable(work: Work, in_place: bool) -> list[str]:
    """Return packages that we installed, that the plan no longer has, and that nothing else needs.

    Once its packages are ``in_place``, the plan needs none besides them; before, their older versions may.
    """
    ours = {name for name, record in work.ledger.packages.items() if record.before is None}
    stale = ours - set(work.document.packages)
    but = work.document.packages if in_place else ()
    return sorted(stale - dpkg.needed_by_others(work.host, stale, but)) if stale else []


def refuse_excluded(work: Work, todo: list[str]) -> None:
    """Fail if a new package conflicts with one that stays: soop did not install it, or other packages need it."""
    with linked_archives(work, todo) as archives:
        new = controls_of(work, archives)
    going = {*work.document.packages, *removable(work, in_place=True)}
    reasons = [reason for found, reason in exclusions(work, new) if found not in going]
    if reasons:
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        why = "which soop did not install, or which other packages need"
        raise Failure("packages", f"{reasons[0]}, {why}{more}; remove it by hand, or leave the new one out")


def refuse_unmet(work: Work, todo: list[str]) -> None:
    """Fail if new packages need others that an existing host, unlike the base image, does not have."""
    with linked_archives(work, todo) as archives:
        new = controls_of(work, archives)
    packages = [*new.values(), *(found for found in dpkg.there(work.host) if found.name not in new)]
    compare = partial(dpkg.compare, work.host)
    missing = [f"{name} needs {group}" for name in new for group in relations.unmet(new[name], packages, compare)]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        what = "which is neither in the artifact nor on the host; install it there"
        raise Failure("packages", f"{missing[0]}{more}, {what}")


def refuse_lacking(work: Work) -> None:
    """Fail if an existing host, unlike the base image, does not have packages that the plan names."""
    if not work.document.base_packages:
        return
    named = Control("", "", {"Depends": ", ".join(work.document.base_packages)})
    lacking = list(relations.unmet(named, dpkg.there(work.host), partial(dpkg.compare, work.host)))
    if lacking:
        what = "which the base image has; install there what the host lacks"
        raise Failure("packages", f"the service needs {', '.join(lacking)}, {what}")


def controls_of(work: Work, archives: Mapping[str, str]) -> Controls:
    """Return what archives say of themselves, read once."""
    work.controls |= dpkg.controls(work.host, (path for name, path in archives.items() if name not in work.controls))
    return {name: work.controls[name] for name in archives}


def exclusions(work: Work, new: Controls) -> Iterator[tuple[str, str]]:
    """Yield the packages of the node that cannot be together with new ones, each with the reason."""
    for found in dpkg.there(work.host):
        for control in new.values():
            if found.name != control.name and (
                reason := relations.reason(control, found, partial(dpkg.compare, work.host))
            ):
                yield found.name, reason


def barred_by(work: Work, new: Controls) -> dict[str, set[str]]:
    """Return by new package the others to upgrade before it: it conflicts with the versions that are installed."""
    replaced = [found for found in dpkg.there(work.host) if found.name in new]
    compare = partial(dpkg.compare, work.host)
    return {
        name: {each.name for each in replaced if each.name != name and relations.bars(each, control, compare)}
        for name, control in new.items()
    }


@contextmanager
def linked_archives(work: Work, todo: list[str]) -> Iterator[dict[str, str]]:
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
