"""Makes ``service.lock``: keeps what still fits, adds what is missing, or chooses everything anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from soop_components.artifact.base_image import BaseImage
from soop_components.build.apt import Apt
from soop_components.build.apt_settings import host_sources
from soop_components.build.lock_file import FILE, Lock, load_lock, write_lock
from soop_components.build.resolver import resolve
from soop_components.build.service_source import Source
from soop_components.errors import InvalidInput
from soop_components.project import Project

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Change:
    """What locking did."""

    path: str
    """Of the lock, as people know it."""
    count: int
    """Packages that are locked now."""
    is_new: bool
    """Whether the lock was written."""
    packages: tuple[tuple[str, str | None, str | None], ...]
    """Name, version before and version now of those that differ; None: it was or is not there."""


def lock(project: Project, source: Source, progress: Progress, refresh: bool = False) -> Change:
    """Write the lock of a service definition; without ``refresh`` versions stay as long as they can be had."""
    before = _before(source, refresh)
    image = BaseImage.find(project.images, source.definition.base)
    fits = before is not None and before.base == image.base
    if before is not None and fits and not refresh and not before.mismatches(image.base.name, source.packages):
        return Change(f"{source.label}/{FILE}", len(before.packages), False, ())
    folder = project.cache / "apt"
    apt = Apt(folder / image.base.name, host_sources(image.suite, folder / "host"), image.status)
    after = resolve(apt, image.base, source.packages, None if refresh else before, progress)
    if after != before:
        write_lock(source.folder, after)
    return Change(f"{source.label}/{FILE}", len(after.packages), after != before, _differences(before, after))


def _before(source: Source, refresh: bool) -> Lock | None:
    """Return the lock that is there; one that is damaged does not matter to who chooses everything anew."""
    try:
        return load_lock(source.folder, source.label)
    except InvalidInput:
        if refresh:
            return None
        raise


def _differences(before: Lock | None, after: Lock) -> tuple[tuple[str, str | None, str | None], ...]:
    old = {name: package.version for name, package in before.packages.items()} if before else {}
    new = {name: package.version for name, package in after.packages.items()}
    names = sorted(old.keys() | new.keys())
    return tuple((name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))
