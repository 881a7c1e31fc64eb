"""Symbolic links, and paths at which nothing may be."""

from __future__ import annotations

import stat

from soop_components.runner import replaced
from soop_components.runner.host import Host
from soop_components.runner.plan import Component
from soop_components.runner.work import Work


def pending(work: Work, component: Component) -> dict[str, str | None]:
    """Return links with their targets, and with None paths at which something is that must not be."""
    wrong: dict[str, str | None] = {
        path: link.target for path, link in component.links.items() if drift(work.host, path, link.target)
    }
    return wrong | {path: None for path in component.absent if absent_drift(work.host, path)}


def carry_out(work: Work, component: Component) -> None:
    """Make links point where they shall, and clear paths."""
    todo = pending(work, component)
    for path in todo:
        if path not in work.ledger.paths:
            replaced.keep(work.host, path)
    for path, link in component.links.items():
        work.ledger.disown(path)
        work.ledger.links[path] = link.target
    for path in component.absent:
        work.ledger.disown(path)
        work.ledger.absent.add(path)
    if not todo:
        return
    work.touch(todo)
    for path, target in todo.items():
        if target is None:
            work.host.places.remove(path)
            work.changed(f"{path} removed")
        else:
            work.host.places.link(path, target, work.folder_made)
            work.changed(f"link {path}")


def drift(host: Host, path: str, target: str) -> list[str]:
    """Say how a link differs from how we left it."""
    found = host.places.look(path)
    if found is None:
        return [f"link {path}: missing"]
    if not stat.S_ISLNK(found.st_mode):
        return [f"link {path}: is not a link"]
    now = host.places.target(path)
    return [] if now == target else [f"link {path}: points to {now}, not {target}"]


def absent_drift(host: Host, path: str) -> list[str]:
    """Say when there is something at a path that must be empty."""
    return [] if host.places.look(path) is None else [f"{path}: is there and must not be"]
