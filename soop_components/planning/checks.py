"""What must hold in the plan of a role, whatever building blocks it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from soop_components.model.debconf import answer_problem
from soop_components.model.names import quoted, shown
from soop_components.model.plan import ComponentPlan, OnSomeNodes, Unit
from soop_components.model.problem import Keys, path_text
from soop_components.planning.marks import MARK, NODE_KEYS, holds_secret

_HOSTS = "/etc/hosts"
"""A service does not have it, but may wait for changes of it."""
_RESERVED = ("/proc", "/sys", "/dev", "/var/lib/soop", "/run/soop", _HOSTS)
_LONGEST_PATH = 1000
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]+\.(?:service|socket|timer|path|target|mount|slice)", re.ASCII)
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,30}", re.ASCII)


def role_problems(components: Mapping[str, ComponentPlan], secrets: set[str]) -> list[str]:
    """Return what is wrong with the components of a role, each problem with the component's name."""
    problems = [
        f"components.{name}: {problem}"
        for name, component in components.items()
        for problem in _component_problems(component, secrets)
    ]
    return [*problems, *_conflicts(components), *_shared_numbers(components)]


def _component_problems(component: ComponentPlan, secrets: set[str]) -> Iterator[str]:
    for kind in ("directories", "files", "links", "absent", "logs"):
        for path in getattr(component, kind):
            yield from _path_problem(kind, path)
    for name, unit in component.units.items():
        yield from _unit_problems(name, unit)
    for script in component.scripts:
        yield from _trigger_problems(f"scripts.{shown(script.name)}.triggers", script.triggers)
    for name, user in component.users.items():
        yield from _account_problems(f"users.{shown(name)}", name, *user.groups)
    for kind in ("directories", "files"):
        for path, part in getattr(component, kind).items():
            yield from _account_problems(f"{kind}.{shown(path)}", part.owner, part.group)
    yield from _answer_problems(component)
    yield from _nowhere_problems(component)
    yield from _mark_problems(component, secrets)


def _path_problem(kind: str, path: str) -> Iterator[str]:
    if len(path) > _LONGEST_PATH:
        yield f"{kind}.{shown(path)}: expected a path of at most {_LONGEST_PATH} characters"
        return
    parts = path.split("/")
    plain = not parts[0] and all(part not in ("", ".", "..") for part in parts[1:] or [""])
    if not plain or not path.isprintable() or "@@" in path:
        yield f"{kind}.{shown(path)}: expected an absolute path without '.', '..' and double or final slashes"
    elif any(path == reserved or path.startswith(f"{reserved}/") for reserved in _RESERVED):
        yield f"{kind}.{shown(path)}: belongs to the system or to soop itself"


def _unit_problems(name: str, unit: Unit) -> Iterator[str]:
    place = f"units.{shown(name)}"
    if not _UNIT.fullmatch(name) or name.startswith("soop-"):
        yield f"{place}: expected the name of a systemd unit such as access.service"
    if (unit.restart_on or unit.reload_on) and ("@." in name or unit.state != "started"):
        what = "it is a template; its instances can have them" if "@." in name else f"its state is {unit.state}"
        yield f"{place}: restart_on and reload_on would do nothing: {what}"
    yield from _trigger_problems(f"{place}.restart_on", unit.restart_on)
    yield from _trigger_problems(f"{place}.reload_on", [path for path in unit.reload_on if path != _HOSTS])


def _answer_problems(component: ComponentPlan) -> Iterator[str]:
    for question, answer in component.debconf.items():
        if problem := answer_problem(question, answer):
            yield f"debconf.{shown(question)}: {problem}"


def _nowhere_problems(component: ComponentPlan) -> Iterator[str]:
    """Find what would be on no node at all."""
    parts: dict[str, OnSomeNodes | None] = {f"files.{shown(path)}": file for path, file in component.files.items()}
    parts |= {f"units.{shown(name)}": unit for name, unit in component.units.items()}
    parts |= {f"scripts.{shown(script.name)}": script for script in component.scripts}
    parts |= {"health.http": component.http_health, "health.command": component.command_health}
    for place, part in parts.items():
        if part and part.first and part.others:
            yield f"{place}: first and others exclude each other: without both it is on all nodes"


def _trigger_problems(kind: str, paths: Iterable[str]) -> Iterator[str]:
    """Find paths of which no change is noticed; folders may end in a slash, and nodes may have different ones."""
    for path in paths:
        yield from _path_problem(kind, MARK.sub("x", path).rstrip("/"))


def _account_problems(place: str, *names: str) -> Iterator[str]:
    for name in names:
        if not _ACCOUNT.fullmatch(name):
            yield f"{place}: {quoted(name)} is not the name of a user or a group"


def _mark_problems(component: ComponentPlan, secrets: set[str]) -> Iterator[str]:
    """Find secrets where they would be seen, and marks that nothing replaces."""
    for keys, text in _texts(component.model_dump()):
        for mark in MARK.finditer(text):
            if mark["key"] not in (secrets if mark["kind"] == "secret" else NODE_KEYS):
                yield f"{path_text(keys)}: {shown(mark[0])} is replaced by nothing: no such secret or value of a node"
        may_hold_secret = keys[0] == "debconf" or (keys[0], keys[-1]) in (("files", "content"), ("scripts", "stdin"))
        if holds_secret(text) and not may_hold_secret:
            yield f"{path_text(keys)}: would show a secret; a secret belongs into a file or a script's standard input"


def _texts(value: object, keys: Keys = ()) -> Iterator[tuple[Keys, str]]:
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, dict | list | tuple):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, (*keys, key))


def secret_keys(component: ComponentPlan) -> set[str]:
    """Return the secrets that a component needs."""
    found = MARK.finditer(component.model_dump_json())
    return {mark["key"] for mark in found if mark["kind"] == "secret"}


def _conflicts(components: Mapping[str, ComponentPlan]) -> Iterator[str]:
    """Find what two components want differently."""
    owners: dict[str, tuple[str, str]] = {}
    for name, component in components.items():
        for kind in ("files", "links", "absent"):
            for path in getattr(component, kind):
                other, other_kind = owners.setdefault(path, (name, kind))
                if (other, other_kind) != (name, kind) and {kind, other_kind} != {"absent"}:
                    yield f"components {other} and {name} both claim {shown(path)} ({other_kind} and {kind})"
    yield from _disagreements(components)
    folders = {path: (name, "directories") for name, part in components.items() for path in part.directories}
    for path in sorted(owners.keys() & folders.keys()):
        (other, kind), (name, _) = owners[path], folders[path]
        yield f"components {other} and {name} both claim {shown(path)} ({kind} and directories)"
    for path, (name, kind) in [*owners.items(), *folders.items()]:
        for parent in _parents(path):
            other, other_kind = owners.get(parent, (name, "absent"))
            if "absent" not in (kind, other_kind):
                below = f"{shown(path)} would lie below {shown(parent)}, which is no folder"
                yield f"components {other} and {name}: {below}"


def _disagreements(components: Mapping[str, ComponentPlan]) -> Iterator[str]:
    """Find what two components both name and want differently; each may restart a unit for files of its own."""
    seen: dict[tuple[str, str], tuple[str, object]] = {}
    for kind in ("users", "directories", "units", "debconf"):
        for name, component in components.items():
            for key, part in getattr(component, kind).items():
                wanted = part if kind == "debconf" else part.model_dump(exclude={"restart_on", "reload_on"})
                other, other_wanted = seen.setdefault((kind, key), (name, wanted))
                if other_wanted != wanted:
                    yield f"components {other} and {name} both claim {kind} {shown(key)}, with different settings"


def _shared_numbers(components: Mapping[str, ComponentPlan]) -> Iterator[str]:
    """Find two users, or the groups of two, that are given one number."""
    users = {name: user for component in components.values() for name, user in component.users.items()}
    numbers = {name: (user.uid, user.uid if user.gid is None else user.gid) for name, user in users.items()}
    for what, at in (("uid", 0), ("gid", 1)):
        first: dict[int, str] = {}
        for name, found in numbers.items():
            number = found[at]
            if number is not None and (other := first.setdefault(number, name)) != name:
                yield f"users.{shown(name)}: {what} {number} is that of {shown(other)}"


def _parents(path: str) -> Iterator[str]:
    end = path.rfind("/", 0, _LONGEST_PATH)
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)
