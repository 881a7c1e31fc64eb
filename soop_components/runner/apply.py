"""Carries a document out: the steps in their order, and back to the accepted document when one fails."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

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
    units,
    users,
)
from soop_components.runner.document import Document, parse
from soop_components.runner.events import Events
from soop_components.runner.failure import Failure, step
from soop_components.runner.host import Host
from soop_components.runner.plan import Component
from soop_components.runner.work import Work

_DEBUG_LINES = 8


class Request(NamedTuple):
    """What an apply was asked for."""

    document: Document
    secrets: Mapping[str, str]
    previous_secrets: Mapping[str, str]
    """Those that the accepted document was carried out with."""
    hosts: Mapping[str, str]
    older_allowed: bool = False
    returning: bool = False


def request_of(host: Host, raw: Mapping[str, Any]) -> Request:
    """Read an apply's request, or a return's, which has no document of its own."""
    returning = raw.get("verb") == "return"
    document = host.load("accepted.json") if returning else raw["document"]
    if document is None:
        raise Failure("plan", "no version was ever accepted on this node, so there is none to return to")
    secrets = raw.get("secrets") or {}
    return Request(
        document=parse(document),
        secrets=secrets,
        previous_secrets=raw.get("previous_secrets") or secrets,
        hosts=raw.get("hosts") or {},
        older_allowed=bool(raw.get("force_packages")),
        returning=returning,
    )


def apply(host: Host, raw: Mapping[str, Any], events: Events) -> dict[str, Any]:
    """Carry a request out under the node-wide lock and return the last event."""
    for name in ("secrets", "previous_secrets"):
        events.hide((raw.get(name) or {}).values())
    with host.lock() as mine:
        if not mine:
            return Failure("lock", "another apply is running on this node").event()
        try:
            event = _attempt(host, request_of(host, raw), events)
        except Failure as failure:
            event = failure.event(_is_accepted(host))
        hidden: dict[str, Any] = events.masked(event)
        with suppress(OSError):  # a full disk was told already
            host.store("report.json", hidden)
        return hidden


def _attempt(host: Host, request: Request, events: Events) -> dict[str, Any]:
    began = time.monotonic()
    work = Work(host, request.document, events, request.secrets, request.older_allowed, request.returning)
    failure = _outcome(work, request.hosts)
    if failure is not None:
        return _give_up(work, request, failure)
    seconds = round(time.monotonic() - began, 3)
    outcome = {"changes": len(work.changes), "changed": work.changes, "seconds": seconds}
    return {"event": "result", **request.document.summary, **outcome}


def _outcome(work: Work, names: Mapping[str, str]) -> dict[str, Any] | None:
    """Carry out; return the failure event if it failed, whatever the reason."""
    try:
        carry_out(work, names)
        return None
    except Failure as failure:
        event = failure.event()
    except Exception as error:  # a mistake of ours must not leave the node half done
        event = unexpected(error)
    with suppress(OSError):  # the ledger on disk claims no less than there is
        work.save()
    return event


def unexpected(error: Exception) -> dict[str, Any]:
    """Return the event for an error that nobody foresaw."""
    lines = traceback.format_exception(error)
    event = Failure("runner", f"the runner has a mistake: {type(error).__name__}: {error}").event()
    return {**event, "debug": "".join(lines).splitlines()[-_DEBUG_LINES:]}


def _give_up(work: Work, request: Request, event: dict[str, Any]) -> dict[str, Any]:
    """Put the node back to its accepted document and say in the event whether that worked."""
    accepted = work.host.load("accepted.json")
    if not work.begun:
        return {**event, "returned": _is_accepted(work.host)}
    if accepted is None or _same(request, accepted):
        return {**event, "returned": _is_accepted(work.host)}
    work.events.progress(f"{event['message']}; returning to {accepted['service']}-{accepted['version']}")
    document = parse(accepted)
    if work.host.release_reserve():
        work.blobs.prune(document.blobs)
    back = Work(work.host, document, work.events, request.previous_secrets, returning=True)
    second = _outcome(back, request.hosts)
    if second is None:
        return {**event, "returned": True}
    return {**event, "returned": False, "return_failure": second}


def _same(request: Request, accepted: Mapping[str, Any]) -> bool:
    """Tell whether going back would do what has just failed."""
    same_secrets = request.previous_secrets == request.secrets
    return bool(accepted["plan_digest"] == request.document.plan_digest) and same_secrets


def _is_accepted(host: Host) -> bool:
    """Tell whether the node is what was accepted last, as far as we know."""
    stored = [host.load(name) for name in ("accepted.json", "running.json", "intended.json")]
    digests = {document["plan_digest"] if document else None for document in stored}
    return len(digests) == 1 and None not in digests and not host.ledger().unfinished


def carry_out(work: Work, names: Mapping[str, str]) -> None:
    """Make the node what the document says; every step may be done again after being interrupted."""
    with step("hosts"):
        hosts.put(work.host, names)
    with step("plan"):
        known = _foresee(work)
    with step("state"):
        _begin(work)
    if work.returning:  # what is taken away makes room, should that be what was wanting
        _take_away(work)
        known = _known(work)
    with step("packages"):
        packages.carry_out(work, known)
    with step("files"):
        stale.carry_out(work)
    for component in work.document.components:
        _configure(work, component)
    with step("units"):
        units.sweep(work)
    health.carry_out(work, names)
    with step("units"):
        units.verify(work)
    if work.started:  # a reload is over before the old processes are: they may have answered
        health.carry_out(work, names)
    with step("packages"):
        packages.remove_stale(work)
    with step("state"):
        _end(work)


def _take_away(work: Work) -> None:
    with step("files"):
        stale.carry_out(work)
    with step("packages"):
        packages.remove_stale(work)


def _foresee(work: Work) -> dict[str, dpkg.Installed]:
    """Find before the first change what would fail later: missing blobs and secrets, packages that are newer."""
    missing = work.blobs.missing(work.document.blobs)
    if missing:
        raise Failure("blobs", f"{len(missing)} blobs were not sent to this node, {missing[0]} among them")
    for component in work.document.components:
        files.goals(work, component)
        for script in component.scripts:
            for text in (script.content, script.stdin):
                work.render(text or "")
    known = _known(work)
    packages.refuse_older(work, known)
    return known


def _known(work: Work) -> dict[str, dpkg.Installed]:
    return dpkg.installed(work.host) if work.document.packages else {}


def _begin(work: Work) -> None:
    intended = work.host.load("intended.json")
    if intended is None or intended["plan_digest"] != work.document.plan_digest:
        work.host.store("intended.json", work.document.raw)
    work.begun = True
    dpkg.remove_guard(work.host)
    scripts.clear(work.host)
    for path in work.ledger.changing:
        if path.startswith("/"):
            work.host.places.clear(path)


def _configure(work: Work, component: Component) -> None:
    name = component.name
    with step("users", name):
        users.carry_out(work, component)
    with step("directories", name):
        directories.carry_out(work, component)
    with step("files", name):
        files.carry_out(work, component)
    with step("links", name):
        links.carry_out(work, component)
    with step("scripts", name):
        scripts.carry_out(work, component, "before_units")
    with step("units", name):
        units.carry_out(work, component)
    with step("scripts", name):
        scripts.carry_out(work, component, "after_units")


def _end(work: Work) -> None:
    """Record success, once the disk has all that it rests on."""
    directories.remove_stale(work)
    scripts.forget_stale(work)
    users.forget_stale(work)
    running = work.host.load("running.json")
    done = running is not None and running["plan_digest"] == work.document.plan_digest
    if work.changes or work.ledger.changing or not done:
        work.host.sync()
        work.host.keep_reserve()
    work.ledger.changing.clear()
    work.ledger.unfinished = False
    work.ledger.dpkg_status = dpkg.status_state(work.host) if work.ledger.packages else None
    if not done:
        work.host.store("running.json", work.document.raw)
    work.save()
