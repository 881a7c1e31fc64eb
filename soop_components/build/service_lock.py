"""``service.lock``: the exact packages of a service definition, committed beside ``service.yaml``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from soop_components.artifact.definition import Base, PackageName
from soop_components.errors import InvalidInput
from soop_components.model.base import Model
from soop_components.model.names import ComponentName, RoleName
from soop_components.model.problem import Problem
from soop_components.planning.component_needs import AskedPackage
from soop_components.reading.loader import load_model
from soop_components.reading.yaml_file import read_yaml
from soop_components.whole_file import write_whole

FILE = "service.lock"
_ASKED = StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]*(?:=[0-9][A-Za-z0-9.+:~-]*)?$", max_length=201)
_HEADER = """\
# The exact Debian packages of this service, with all their dependencies; `soop build` takes these and no others.
# Made by `soop lock`: commit it, don't edit it. `soop lock --refresh` chooses every version anew.
"""


class LockedPackage(Model):
    """One package: which file it is, so that nobody can give us another."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9][A-Za-z0-9.+:~-]*$", max_length=100)]
    architecture: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=20)]
    size: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+~_%-]*\.deb$", max_length=250)]


class LockedWheel(Model):
    """A Python package: which of its files it is."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=100)]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+!_-]*$", max_length=100)]
    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl$", max_length=250)]
    size: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class LockedPython(Model):
    """The Python packages of a component."""

    asked: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """What its requirements.txt or pyproject.toml says."""
    wheels: Annotated[tuple[LockedWheel, ...], Field(strict=False)] = ()
    """What is installed: those, and what they need."""


class LockedRole(Model):
    """The packages that the nodes of a role get."""

    asked: Annotated[tuple[Annotated[str, _ASKED], ...], Field(strict=False)] = ()
    """Those that its components name, with the version of those that are to have one: ``name=version``."""
    recommends: Annotated[tuple[PackageName, ...], Field(strict=False)] = ()
    """Those among them whose recommended packages come along."""
    packages: Annotated[tuple[PackageName, ...], Field(strict=False)] = ()
    """Those to be installed for it on the base: dependencies included, without what the base has."""

    @property
    def of_the_base(self) -> tuple[str, ...]:
        """Those that its components name and that the base has."""
        return tuple(sorted({name.partition("=")[0] for name in self.asked} - set(self.packages)))


class Lock(Model):
    """What a build may use."""

    format: Literal[1] = 1
    base: Base
    packages: dict[PackageName, LockedPackage] = Field(default_factory=dict)
    roles: dict[RoleName, LockedRole] = Field(default_factory=dict)
    python: dict[ComponentName, LockedPython] = Field(default_factory=dict)

    def mismatches(self, base: str, asked: Mapping[str, Sequence[AskedPackage]]) -> list[str]:
        """Say where the lock does not fit a definition: its base, and the Debian packages asked for by role."""
        problems = [] if self.base.name == base else [f"base.name: expected {base} (got {self.base.name})"]
        for role, packages in asked.items():
            of_role = self.roles.get(role, LockedRole())
            names, locked = [str(each) for each in packages], set(of_role.asked)
            problems += [f"roles.{role}: package {name} is not locked" for name in names if name not in locked]
            problems += [f"roles.{role}: package {name} is not needed" for name in sorted(locked - set(names))]
            wanted = {each.name for each in packages if each.recommends}
            for name in sorted(wanted ^ set(of_role.recommends)):
                what = "not locked" if name in wanted else "not needed"
                problems.append(f"roles.{role}: packages that {name} recommends are {what}")
        problems += [f"roles.{role}: the service has no such role" for role in self.roles if role not in asked]
        return problems

    def python_mismatches(self, asked: Mapping[str, tuple[str, ...]]) -> list[str]:
        """Say where the lock does not fit the Python packages that components ask for."""
        problems = [f"python.{name}: the service has no such component" for name in self.python if name not in asked]
        for name, lines in asked.items():
            locked = self.python[name].asked if name in self.python else ()
            problems += [f"python.{name}: {line} is not locked" for line in lines if line not in locked]
            problems += [f"python.{name}: {line} is not asked for" for line in locked if line not in lines]
            problems += [f"python.{name}: is missing"] if not lines and name not in self.python else []
        return problems


def load_lock(folder: Path, label: str) -> Lock | None:
    """Return the lock beside a service definition, or None if there is none; ``label`` is the folder's name."""
    path = folder / FILE
    if not path.exists():
        return None
    name = f"{label}/{FILE}"
    try:
        return load_model(Lock, read_yaml(path, name), name, _problems)
    except InvalidInput as error:
        raise InvalidInput(error.problems, advice_for(label)) from None


def advice_for(label: str) -> str:
    """Say what to do about a lock that is damaged."""
    return f"restore it out of git, or make it anew: soop lock --refresh {label}"


def _problems(lock: Lock) -> list[Problem]:
    """Find packages that a role refers to and that are not there."""
    return [
        Problem(("roles", role, "packages", index), f"package {name} is not among the packages")
        for role, locked in lock.roles.items()
        for index, name in enumerate(locked.packages)
        if name not in lock.packages
    ]


def write_lock(folder: Path, lock: Lock) -> None:
    """Write the lock beside the service definition, in one step."""
    try:
        write_whole(folder / FILE, lock_text(lock).encode())
    except OSError as error:
        raise InvalidInput([f"{folder / FILE}: cannot be written: {error.strerror}"]) from None


def lock_text(lock: Lock) -> str:
    """Return the lock as YAML, sorted, a package a line."""
    lines = [_HEADER + f"format: {lock.format}", f"base: {json.dumps(lock.base.model_dump())}"]
    lines.append("packages:" if lock.packages else "packages: {}")
    lines += [f"  {name}: {json.dumps(package.model_dump())}" for name, package in sorted(lock.packages.items())]
    lines.append("roles:" if lock.roles else "roles: {}")
    for role, locked in sorted(lock.roles.items()):
        lines.append(f"  {role}:")
        lines.append(f"    asked: {json.dumps(sorted(locked.asked))}")
        if locked.recommends:
            lines.append(f"    recommends: {json.dumps(sorted(locked.recommends))}")
        lines.append(f"    packages: {json.dumps(sorted(locked.packages))}")
    lines += ["python:"] if lock.python else []
    for name, python in sorted(lock.python.items()):
        lines += [f"  {name}:", f"    asked: {json.dumps(python.asked)}"]
        lines.append("    wheels:" if python.wheels else "    wheels: []")
        lines += [f"      - {json.dumps(wheel.model_dump())}" for wheel in python.wheels]
    return "\n".join(lines) + "\n"
