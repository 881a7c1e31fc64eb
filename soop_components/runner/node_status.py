"""Looks at a node: what runs, how it differs from how it was left, and what an apply would change."""

from __future__ import annotations

import time
from typing import Any

from soop_components.runner import conflicts, drained, health, hosts, in_the_way, script_records, transient, unaccepted
from soop_components.runner.accept import good_since, last_good
from soop_components.runner.document import parse, version_of
from soop_components.runner.events import Events
from soop_components.runner.host import Host
from soop_components.runner.kinds import KINDS
from soop_components.runner.ledger import Ledger
from soop_components.runner.protocol import Inspect, Inspected, NodeStatus
from soop_components.runner.vocabulary import Change, Drift, Version
from soop_components.runner.work import Work

_LOST = {
    "running.json": "what runs is not known",
    "accepted.json": "there is no version to roll back to",
    "previous.json": "there is no version before the accepted one",
    "intended.json": "what was begun last is not known",
    "unaccepted.json": "it does not roll back by itself",
    "ledger.json": "packages that no plan has any more stay, and scripts run again",
}
"""What a node does not know any more without a file; the next apply and acceptance write it anew."""


def status(host: Host) -> NodeStatus:
    """Return what the node runs, every difference, and every health check that does not pass."""
    running, accepted = host.load("running.json"), host.load("accepted.json")
    pending = unaccepted.load(host)
    differences = drift(host, running)
    problems = health.look(host, parse(running), hosts.current(host)) if running else []
    return NodeStatus(
        running=_version(running),
        accepted=_version(running) == _version(accepted),
        drift=tuple(differences),
        health=tuple(problems),
        rolls_back_within=pending.within if pending else 0,
        own_rollback=unaccepted.noted(host),
    )


def drift(host: Host, running: dict[str, Any] | None) -> list[Drift]:
    """Return how the node differs from how the last apply left it."""
    ledger, intended = host.ledger(), host.load("intended.json")
    kinds = () if "ledger.json" in host.lost else KINDS
    found = [difference for kind in kinds for difference in kind.drift(host, ledger)] + hosts.drift(host)
    found += drained.drift(host)
    found += [
        Drift("script", key, "has not run for what is on the disk now")
        for key in (_unknown_to_disk(host, running, ledger) if kinds else ())
    ]
    found += [
        Drift("error", name, f"{host.kept(name)} is damaged: {_LOST.get(name, 'it is made anew')}")
        for name in sorted(host.lost)
    ]
    if intended and (ledger.unfinished or running is None or running["plan_digest"] != intended["plan_digest"]):
        found.insert(0, Drift("apply", version_of(intended).reference, "begun and not finished"))
    return found


def inspect(host: Host, request: Inspect, events: Events) -> Inspected:
    """Return which blobs a document needs sent, and what applying it would change."""
    document = parse(request.document)
    events.hide(request.secrets.values())
    unaccepted.renew(host)
    apply_running = transient.running(host)  # asked first: what one that ends meanwhile leaves is seen below
    work = Work(host, document, events, request.secrets)
    missing = work.blobs.missing(document.blobs | set(request.blobs))
    if apply_running is None:
        in_the_way.check(work)
        conflicts.check(work)
    changes = [change for kind in KINDS for change in kind.pending(work)] + drained.pending(host)
    running = host.load("running.json")
    if work.ledger.unfinished:
        changes.append(Change("apply", document.version.reference, "finish"))
    if not changes and (running is None or running["plan_digest"] != document.version.plan_digest):
        changes.append(Change("version", document.version.reference, "record"))
    if not changes:  # an apply waits until the node is healthy, or fails with the reason
        problems = health.look(host, document, hosts.current(host))
        changes = [Change("component", problem.component, "check") for problem in problems]
    good = last_good(host, request.last_good)
    begun = _version(host.load("intended.json"))
    if host.lost and not changes:  # an apply writes anew what is damaged
        changes.append(Change("apply", document.version.reference, "finish"))
    within = pending.within if (pending := unaccepted.load(host)) else 0
    known = _version(running), _version(good)
    has_other_disk = bool(_unknown_to_disk(host, running, work.ledger))
    since, theirs = good_since(host, good), tuple(conflicts.replaced(work))
    found = tuple(missing), tuple(changes)
    times = since, int(time.time())
    return Inspected(*found, *known, apply_running, _base(host), within, has_other_disk, begun, *times, theirs)


def _unknown_to_disk(host: Host, running: dict[str, Any] | None, ledger: Ledger) -> list[str]:
    """Return the scripts that have run, but not for the data on the node's disk that is there now."""
    return script_records.unknown_to_disk(host, running["plan"].get("disk") if running else None, ledger)


def _base(host: Host) -> str | None:
    """Return the node's system as base images are named, ``debian-12``."""
    try:
        with open(host.places.real("/etc/os-release"), encoding="utf-8", errors="replace") as file:
            said = dict(line.strip().replace('"', "").split("=", 1) for line in file if "=" in line)
    except OSError:
        return None
    return f"{said['ID']}-{said['VERSION_ID']}" if said.keys() >= {"ID", "VERSION_ID"} else None


def _version(document: dict[str, Any] | None) -> Version | None:
    return version_of(document) if document else None
