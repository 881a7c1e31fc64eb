"""What changes between two plans of a role, and what that means for the units of a node."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from soop_components.model.plan import ComponentPlan, RolePlan
from soop_components.planning.marks import MARK
from soop_components.preview.facts import Changes, PackageChange, RoleChange


@dataclass(frozen=True)
class UnitChanges:
    """Units of a node that an apply would start, restart, reload and stop."""

    starts: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()


def role_change(role: str, before: RolePlan, after: RolePlan, secrets: Collection[str]) -> RoleChange:
    """Compare two plans of a role; ``secrets`` are the names of those that have other values."""
    paths = changed_paths(before, after, secrets)
    return RoleChange(
        role=role,
        packages=tuple(_package_changes(before, after)),
        files=paths,
        units=_changes(_parts(before, "units"), _parts(after, "units")),
        debconf=_changes(_parts(before, "debconf"), _parts(after, "debconf")),
        scripts=tuple(_scripts(before, after, paths, secrets)),
    )


def changed_paths(before: RolePlan, after: RolePlan, secrets: Collection[str]) -> Changes:
    """Return the files and links that differ."""
    kinds = ("files", "links")
    old, new = ({path: part for kind in kinds for path, part in _parts(role, kind).items()} for role in (before, after))
    found = _changes(old, new)
    rewritten = [path for path in new if path in old and path not in found.changed and holds(new[path], secrets)]
    return found.model_copy(update={"changed": tuple(sorted([*found.changed, *rewritten]))})


def unit_changes(before: RolePlan, after: RolePlan, secrets: Collection[str], is_first: bool) -> UnitChanges:
    """Return what an apply does with units, as the runner decides it of what it finds (``runner/units.py``).

    What scripts of packages ask for besides is known on the node only.
    """
    before, after = (_on_node(role, is_first) for role in (before, after))
    old, new = (_parts(role, "units") for role in (before, after))
    found = changed_paths(before, after, secrets)
    paths = (*found.added, *found.changed, *found.removed)
    packages = before.packages != after.packages
    starts, restarts, reloads, stops = [], [], [], []
    for name, unit in new.items():
        was = old.get(name)
        if unit.state == "stopped" and was is not None and was.state != "stopped":
            stops.append(name)
        if unit.state != "started":
            continue
        if was is None or was.state != "started":
            starts.append(name)
        elif (
            was.content != unit.content
            or holds(unit, secrets)
            or (packages and unit.content is not None)
            or covered(unit.restart_on, paths)
        ):
            restarts.append(name)
        elif covered(unit.reload_on, paths):
            reloads.append(name)
    stops += [name for name, unit in old.items() if name not in new and unit.state != "unmanaged"]
    return UnitChanges(*(tuple(sorted(names)) for names in (starts, restarts, reloads, stops)))


def covered(roots: Sequence[str], paths: Sequence[str]) -> bool:
    """Return whether one of the paths is one of the roots or lies below one."""
    return any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in roots for path in paths)


def holds(part: Any, secrets: Collection[str]) -> bool:
    """Return whether one of the secrets belongs into a part of a plan."""
    if not secrets:
        return False
    marks = MARK.finditer(part.model_dump_json())
    return any(found["kind"] == "secret" and found["key"] in secrets for found in marks)


def _on_node(role: RolePlan, is_first: bool) -> RolePlan:
    """Return the files and units that the first node of a role has, or the others."""
    components = {
        name: component.model_copy(
            update={
                kind: {key: part for key, part in parts.items() if not (part.others if is_first else part.first)}
                for kind, parts in (("files", component.files), ("units", component.units))
            }
        )
        for name, component in role.components.items()
    }
    return role.model_copy(update={"components": components})


def _parts(role: RolePlan, kind: str) -> dict[str, Any]:
    return {name: part for component in role.components.values() for name, part in getattr(component, kind).items()}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    return Changes(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


def _package_changes(before: RolePlan, after: RolePlan) -> Iterator[PackageChange]:
    for name in sorted(before.packages.keys() | after.packages.keys()):
        old, new = before.packages.get(name), after.packages.get(name)
        if old != new:
            yield PackageChange(name=name, before=old.version if old else None, after=new.version if new else None)


def _scripts(before: RolePlan, after: RolePlan, files: Changes, secrets: Collection[str]) -> Iterator[str]:
    """Yield the scripts that run, or run again since they or what they are given have changed."""
    paths = (*files.added, *files.changed, *files.removed)
    for name, component in after.components.items():
        old = before.components.get(name, ComponentPlan())
        known = {script.name: script for script in old.scripts}
        for script in component.scripts:
            same = known.get(script.name) == script and not holds(script, secrets)
            if not same or covered(script.triggers, paths):
                yield f"{name}/{script.name}"
