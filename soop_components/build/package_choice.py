"""Makes ``service.lock``: keeps what still fits, adds what is missing, or chooses everything anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from soop_components.artifact.base_image import BaseImage
from soop_components.build import Progress
from soop_components.build.apt import Apt
from soop_components.build.service_lock import (
    FILE,
    Lock,
    LockedPackage,
    LockedPython,
    LockedRole,
    load_lock,
    write_lock,
)
from soop_components.build.service_source import Source
from soop_components.build.wheels import WheelCache
from soop_components.errors import InvalidInput, SoopError
from soop_components.planning.component_needs import AskedPackage
from soop_components.project import Project


@dataclass(frozen=True)
class LockChange:
    """What locking did."""

    path: str
    """Of the lock, as people know it."""
    count: int
    """Packages that are locked now, Debian's and Python's."""
    is_new: bool
    """Whether the lock was written."""
    packages: tuple[tuple[str, str | None, str | None], ...]
    """Name, version before and version now of those that differ; None: it was or is not there.

    A Python package is named with its component: ``api/flask``.
    """


def lock(project: Project, source: Source, progress: Progress, refresh: bool = False) -> LockChange:
    """Write the lock of a service definition; without ``refresh`` versions stay as long as they can be had."""
    try:
        before = load_lock(source.folder, source.label)
    except InvalidInput:
        if not refresh:
            raise
        before = None  # one that is damaged does not matter to who chooses everything anew
    image = BaseImage.find(project.images, source.definition.base)
    fits = before is not None and before.base == image.base and not before.mismatches(image.base.name, source.packages)
    if before is None or not fits or refresh:
        keep = None if refresh else before
        after = _resolved(Apt.of(project, image.base.name, image.status), image, source.packages, keep, progress)
    else:
        after = before
    after = after.model_copy(update={"python": _python(project, source, None if refresh else before, progress)})
    if after != before:
        write_lock(source.folder, after)
    changed = _differences(_versions(before) if before else {}, _versions(after))
    return LockChange(f"{source.label}/{FILE}", len(_versions(after)), after != before, changed)


def _python(project: Project, source: Source, keep: Lock | None, progress: Progress) -> dict[str, LockedPython]:
    """Return the Python packages of each component that asks for some."""
    base, found = source.definition.base, {}
    cache = WheelCache(project.cache / "wheels")
    for name, asked in source.python.items():
        before = keep.python.get(name) if keep is not None else None
        if before is not None and keep is not None and keep.base.name == base and before.asked == asked:
            found[name] = before
            continue
        versions = {wheel.name: wheel.version for wheel in before.wheels} if before else {}
        try:
            wheels = cache.choose(base, asked, versions, progress)
        except SoopError as error:
            raise SoopError(f"component {name} on {base}: {error.message}", error.hint) from None
        found[name] = LockedPython(asked=asked, wheels=tuple(wheels.values()))
    return found


def _resolved(
    apt: Apt, image: BaseImage, asked: Mapping[str, Sequence[AskedPackage]], keep: Lock | None, progress: Progress
) -> Lock:
    """Return a lock for what each role asks for; versions of ``keep`` stay where the mirror still serves them."""
    pins = {name: package.version for name, package in keep.packages.items()} if keep else {}
    wanted = {each.name: each.version for packages in asked.values() for each in packages if each.version}
    roles: dict[str, dict[str, str]] = {}
    with apt.ready():
        progress("fetching package lists")
        apt.update()
        for role, packages in sorted(asked.items()):
            progress(f"resolving packages of role {role}")
            names, recommending = _names(packages), _names(each for each in packages if each.recommends)
            try:
                roles[role] = apt.closure(names, {**pins, **wanted}, recommending) if names else {}
                _refuse_others(roles[role], wanted)
            except SoopError as error:
                raise SoopError(f"role {role} on {image.base.name}: {error.message}", error.hint) from None
        chosen = {name: version for packages in roles.values() for name, version in packages.items()}
        records = apt.records(chosen)
    return Lock(
        base=image.base,
        packages={name: _locked(name, version, records.get(name, {})) for name, version in sorted(chosen.items())},
        roles={
            role: LockedRole(
                asked=_names(asked[role]),
                recommends=tuple(each.name for each in asked[role] if each.recommends),
                packages=tuple(sorted(packages)),
            )
            for role, packages in roles.items()
        },
    )


def _names(packages: Iterable[AskedPackage]) -> tuple[str, ...]:
    return tuple(str(each) for each in packages)


def _refuse_others(chosen: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Fail where a package that one role wants in a version comes to another role in another one."""
    for name, version in wanted.items():
        if chosen.get(name, version) != version:
            raise SoopError(f"{name} {chosen[name]} would be installed, but {version} is wanted")


def _locked(name: str, version: str, fields: Mapping[str, str]) -> LockedPackage:
    """Return what identifies a package's file, out of the fields of the package lists."""
    if "SHA256" not in fields:
        raise SoopError(f"the package lists say nothing of {name} {version}", "run soop lock again")
    return LockedPackage(
        version=version,
        architecture=fields["Architecture"],
        size=int(fields["Size"]),
        sha256=fields["SHA256"],
        file=f"{name}_{version.replace(':', '%3a')}_{fields['Architecture']}.deb",
    )


def _versions(lock: Lock) -> dict[str, str]:
    debian = {name: package.version for name, package in lock.packages.items()}
    python = {f"{name}/{wheel.name}": wheel.version for name, each in lock.python.items() for wheel in each.wheels}
    return {**debian, **python}


def _differences(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[tuple[str, str | None, str | None], ...]:
    names = sorted(old.keys() | new.keys())
    return tuple((name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))
