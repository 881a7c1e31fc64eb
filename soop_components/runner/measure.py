"""Looks at a node: what runs, what was begun, and how it differs from how we left it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from soop_components.runner import (
    directories,
    dpkg,
    files,
    health,
    hosts,
    links,
    packages,
    scripts,
    stale,
    transient,
    units,
    users,
)
from soop_components.runner.document import parse, summary
from soop_components.runner.events import Events
from soop_components.runner.failure import describe
from soop_components.runner.host import Host
from soop_components.runner.work import Work


def measure(host: Host, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the node runs, how healthy that is, and every difference in words."""
    stored = _stored(host)
    running, intended = stored["running.json"], stored["intended.json"]
    differences = drift(host)
    begun = running is None or (intended is not None and running["plan_digest"] != intended["plan_digest"])
    if intended is not None and (begun or host.ledger().unfinished):
        differences.insert(0, f"{intended['service']}-{intended['version']} was begun and not finished")
    problems = None
    if request.get("health") and running is not None:
        problems = health.look(host, parse(running), hosts.current(host))
    healthy = None if problems is None else not problems and not any(text.startswith("unit ") for text in differences)
    return {
        "event": "result",
        **_versions(stored),
        "matches": running is not None and running["plan_digest"] == request.get("plan_digest"),
        "drift": differences,
        "healthy": healthy,
        "health": problems or [],
        "hosts_digest": hosts.digest(host),
        "apply_running": transient.running(host),
    }


def _stored(host: Host) -> dict[str, dict[str, Any] | None]:
    return {name: host.load(name) for name in ("running.json", "accepted.json", "intended.json")}


def _versions(stored: Mapping[str, dict[str, Any] | None]) -> dict[str, Any]:
    running, accepted, intended = (summary(document) if document else None for document in stored.values())
    return {
        "running": {**running, "accepted": running == accepted} if running else None,
        "accepted": accepted,
        "intended": intended if intended != running else None,
    }


def drift(host: Host) -> list[str]:
    """Say in words how the node differs from how the last apply left it."""
    ledger = host.ledger()
    looks: list[Callable[[], list[str]]] = [
        lambda: packages.drift(host, ledger),
        *(partial(users.drift, *each) for each in ledger.users.items()),
        *(partial(directories.drift, host, *each) for each in ledger.directories.items()),
        *(partial(files.drift, host, *each) for each in ledger.files.items()),
        *(partial(links.drift, host, *each) for each in ledger.links.items()),
        *(partial(links.absent_drift, host, path) for path in sorted(ledger.absent)),
        lambda: units.drift_of_all(host, ledger.units),
    ]
    return [text for look in looks for text in _told(look)]


def _told(look: Callable[[], list[str]]) -> list[str]:
    """Return what a look finds; that it cannot look is a difference too."""
    try:
        return look()
    except OSError as error:
        return [describe(error)]


def inspect(host: Host, request: Mapping[str, Any], events: Events) -> dict[str, Any]:
    """Return which blobs a document needs sent, and what carrying it out would change."""
    document = parse(request["document"])
    apply_running = transient.running(host)  # asked first: what one that ends meanwhile leaves is seen below
    work = Work(host, document, events, request.get("secrets"))
    missing = work.blobs.missing(document.blobs | set(request.get("blobs") or ()))
    stored = _stored(host)
    changed = foreseen(work)
    running = stored["running.json"]
    if not changed and (running is None or running["plan_digest"] != document.plan_digest):
        changed = [f"recorded version: {document.reference}"]
    if not changed:  # carrying it out waits until it is healthy, or says what it is ill of
        changed = health.look(host, document, hosts.current(host))
    return {
        "event": "result",
        "missing": missing,
        "changes": len(changed),
        "changed": changed,
        **_versions(stored),
        "apply_running": apply_running,
    }


def foreseen(work: Work) -> list[str]:
    """Say what carrying a document out would change; what is restarted for it is not counted."""
    stale_units, stale_paths = stale.pending(work)
    known = dpkg.installed(work.host) if work.document.packages else {}
    found = [f"package {name}" for name in packages.pending(work, known)]
    found += [f"package {name} goes" for name in packages.removable(work)]
    found += [f"unit {name} goes" for name in stale_units] + [f"{path} goes" for path in stale_paths]
    for component in work.document.components:
        found += [f"user {name}" for name in users.pending(work, component)]
        found += [f"directory {path}" for path in directories.pending(work, component)]
        found += [f"file {goal.path}" for goal in files.pending(work, component)]
        found += [
            f"link {path}" if target else f"{path} goes" for path, target in links.pending(work, component).items()
        ]
        found += units.pending(work, component)
        found += [f"script {component.name}/{script.name}" for script in scripts.pending(work, component)]
    if work.ledger.unfinished:
        found.append("an apply that was interrupted is to be finished")
    return found
