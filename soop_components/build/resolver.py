"""Chooses the exact Debian packages of a service definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from soop_components.artifact.definition import Base
from soop_components.build.apt import Apt, Candidate
from soop_components.build.lock_file import Lock, LockedPackage, LockedRole
from soop_components.errors import SoopError

Progress = Callable[[str], None]


def resolve(apt: Apt, base: Base, asked: Mapping[str, tuple[str, ...]], keep: Lock | None, progress: Progress) -> Lock:
    """Return a lock for what each role asks for; versions of ``keep`` stay where the mirror still serves them."""
    pins = {name: package.version for name, package in keep.packages.items()} if keep else {}
    with apt.ready():
        progress("fetching package lists")
        apt.update()
        roles: dict[str, list[Candidate]] = {}
        for role, names in sorted(asked.items()):
            progress(f"resolving packages of role {role}")
            roles[role] = _closure(apt, role, names, pins)
        chosen = {candidate.name: candidate for candidates in roles.values() for candidate in candidates}
        packages = _describe(apt, chosen)
    return Lock(
        base=base,
        packages=dict(sorted(packages.items())),
        roles={
            role: LockedRole(asked=tuple(asked[role]), packages=tuple(sorted(item.name for item in candidates)))
            for role, candidates in roles.items()
        },
    )


def _closure(apt: Apt, role: str, names: tuple[str, ...], pins: Mapping[str, str]) -> list[Candidate]:
    if not names:
        return []
    try:
        return apt.closure(names, pins)
    except SoopError as error:
        raise SoopError(f"role {role}: {error.message}", error.hint) from None


def _describe(apt: Apt, chosen: Mapping[str, Candidate]) -> dict[str, LockedPackage]:
    """Add what identifies each package's file."""
    records = apt.records({name: candidate.version for name, candidate in chosen.items()})
    packages: dict[str, LockedPackage] = {}
    for name, candidate in chosen.items():
        fields = records.get(name)
        if fields is None or "SHA256" not in fields:
            raise SoopError(f"the package lists say nothing of {name} {candidate.version}", "run soop lock again")
        version = candidate.version.replace(":", "%3a")
        packages[name] = LockedPackage(
            version=candidate.version,
            architecture=fields["Architecture"],
            size=int(fields["Size"]),
            sha256=fields["SHA256"],
            file=f"{name}_{version}_{fields['Architecture']}.deb",
        )
    return packages
