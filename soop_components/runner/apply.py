"""Applies a document: the steps in their order, and a rollback to the last good document when one of them fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from soop_components.runner import (
    dpkg,
    health,
    hosts,
    in_the_way,
    packages_log,
    pruning,
    scripts,
    unaccepted,
    unit_watch,
    units,
)
from soop_components.runner.accept import keep, last_good
from soop_components.runner.document import parse
from soop_components.runner.events import Events
from soop_components.runner.failure import Failure, mistake, step
from soop_components.runner.host import Host, remove_tree
from soop_components.runner.kinds import KINDS
from soop_components.runner.managed import Managed
from soop_components.runner.packages import Packages
from soop_components.runner.protocol import Applied, Apply, Failed, Lasting, Restart, Rollback
from soop_components.runner.work import Work

_FIRST = [kind for kind in reversed(KINDS) if kind.stale_first]
"""Kinds whose stale things go first: units end before their files go."""
_LAST = [kind for kind in KINDS if not kind.stale_first]
_AFTER_PACKAGES = ("scripts", "units", "health")


def apply(host: Host, request: Lasting, events: Events) -> Applied | Failed:
    """Carry out a request under the node-wide lock; after a failed apply, roll back to the last good document."""
    events.hide(request.secrets.values())
    with host.lock() as mine:
        if not mine:
            return Failed("lock", "another apply is running on this node")
        try:
            if isinstance(request, Rollback):
                return roll_back(host, request, events)
            if isinstance(request, Restart):
                return _restart(host, request, events)
            events.hide(request.previous_secrets.values())
            return _apply(host, request, events)
        except Failure as failure:
            is_last_good = isinstance(request, Apply) and _is_last_good(host, request)
            return failure.failed._replace(rolled_back=is_last_good)


def roll_back(host: Host, request: Rollback, events: Events) -> Applied | Failed:
    """Carry the last good document out, under the node-wide lock."""
    good = last_good(host, request.last_good)
    if good is None:
        raise Failure("plan", "no version was ever accepted on this node, so there is none to roll back to")
    work = Work(host, parse(good), events, request.secrets, rolling_back=True)
    host.release_reserve()  # blobs stay: which programs the deployer runs after this is not known here
    return _outcome(work, request.hosts)


def _restart(host: Host, request: Restart, events: Events) -> Applied | Failed:
    good, running = last_good(host, request.last_good), host.load("running.json")
    if good is None or running is None or running["plan_digest"] != good["plan_digest"]:
        raise Failure("plan", "the node does not run the version that was accepted; deploy it again first")
    return _outcome(Work(host, parse(good), events, request.secrets, restarting=True), request.hosts)


def _apply(host: Host, request: Apply, events: Events) -> Applied | Failed:
    work = Work(host, parse(request.document), events, request.secrets)
    good = last_good(host, request.last_good)
    work.on_begin = lambda: _prepare(work, request, good)
    outcome = _outcome(work, request.hosts)
    same = good is not None and _is_applied_again(request, good)
    if isinstance(outcome, Applied):
        if same:
            unaccepted.disarm(host)
        return outcome
    if not work.begun or good is None or same:
        return outcome._replace(rolled_back=_is_last_good(host, request))
    document = parse(good)
    events.progress(f"{outcome.message}; rolling back to {document.version.reference}")
    if host.release_reserve():
        work.blobs.prune(document.blobs.union(request.blobs))
    second = _outcome(Work(host, document, events, request.previous_secrets, rolling_back=True), request.hosts)
    if isinstance(second, Applied):
        return outcome._replace(rolled_back=True)
    return outcome._replace(rollback_failure=second)


def _prepare(work: Work, request: Apply, good: Mapping[str, Any] | None) -> None:
    """Before the first change, see to it that it can be undone, and that versions that failed take no room."""
    unaccepted.arm(work.host, request, good)
    pruning.prune(work.host, {*work.document.blobs, *request.blobs})


def _outcome(work: Work, names: Mapping[str, str]) -> Applied | Failed:
    """Carry out a document, whatever goes wrong."""
    try:
        carry_out(work, names)
        return Applied(tuple(work.changes))
    except Failure as failure:
        failed = _with_words_of_packages(work, failure.failed)
    except Exception as error:  # a mistake in the runner must not leave the node half done
        failed = mistake(error)
    with suppress(OSError):  # the ledger on disk claims no less than there is
        work.save()
    return failed


def _with_words_of_packages(work: Work, failed: Failed) -> Failed:
    """Add what scripts of packages said in this apply, when what comes after them fails."""
    changed = any(change.kind == "package" for change in work.changes)
    said = packages_log.shown(work.host, work.since) if changed and failed.step in _AFTER_PACKAGES else ""
    return failed._replace(stderr_tail="\n".join(filter(None, [failed.stderr_tail, said]))) if said else failed


def _is_applied_again(request: Apply, good: Mapping[str, Any]) -> bool:
    """Return whether a request asks for what a rollback leads to."""
    same_secrets = request.previous_secrets == request.secrets
    return bool(good["plan_digest"] == request.document["plan_digest"]) and same_secrets


def _is_last_good(host: Host, request: Apply) -> bool:
    """Return whether the node is what a rollback leads to, as far as is recorded."""
    stored = [last_good(host, request.last_good), host.load("running.json"), host.load("intended.json")]
    digests = {document["plan_digest"] if document else None for document in stored}
    return len(digests) == 1 and None not in digests and not host.ledger().unfinished


def carry_out(work: Work, names: Mapping[str, str]) -> None:
    """Make the node what the document says; every step may be repeated after an interruption."""
    with step("hosts"):
        hosts.put(work.host, names)
    with step("plan"):
        _check(work)
    with step("state"):
        _begin(work)
    if work.rolling_back:  # removing first makes room, should the disk be full
        _remove_stale(work, [*_FIRST, Packages()])
    for kind in KINDS:
        with step(kind.step):
            kind.prepare(work)
    _remove_stale(work, _FIRST)
    with step("files"):
        in_the_way.clear(work)
    for component in work.document.components:
        for kind in KINDS:
            with step(kind.step, component.name):
                kind.carry_out(work, component)
    _bring_up(work, names)
    changes = len(work.changes)
    _remove_stale(work, _LAST)
    if len(work.changes) > changes:  # a package that goes may ask for restarts, too
        _bring_up(work, names)
    with step("state"):
        _end(work)


def _bring_up(work: Work, names: Mapping[str, str]) -> None:
    """Run and restart what depends on a change, and see that everything is healthy and stays up."""
    scripts.run_again(work)
    with step("units"):
        units.restart_dependents(work)
    health.carry_out(work, names)
    with step("units"):
        unit_watch.verify(work)
    if work.started:  # a reload is over before the old processes are: they may have answered
        health.carry_out(work, names)


def _remove_stale(work: Work, kinds: Iterable[Managed]) -> None:
    for kind in kinds:
        with step(kind.step):
            kind.remove_stale(work)


def _check(work: Work) -> None:
    """Find, before the first change, what would fail later: missing blobs and secrets, what is in the way."""
    missing = work.blobs.missing(work.document.blobs)
    if missing:
        raise Failure("blobs", f"{len(missing)} blobs were not sent to this node, {missing[0]} among them")
    in_the_way.check(work)
    for kind in KINDS:
        kind.check(work)


def _begin(work: Work) -> None:
    work.on_begin()
    intended = work.host.load("intended.json")
    if intended is None or intended["plan_digest"] != work.document.version.plan_digest:
        work.host.store("intended.json", work.document.raw)
    work.begun = True
    remove_tree(work.host.kept("scripts"))  # programs that a killed runner left
    for what, path in work.ledger.changing:
        if what == "path":
            work.host.places.clear(path)


def _end(work: Work) -> None:
    """Record success, once the disk has all that it rests on."""
    running = work.host.load("running.json")
    done = running is not None and running["plan_digest"] == work.document.version.plan_digest
    if work.changes or work.ledger.changing or not done:
        work.host.sync()
        work.host.keep_reserve()
    work.ledger.changing.clear()
    work.ledger.unfinished = False
    work.ledger.dpkg_status = dpkg.status_state(work.host) if work.ledger.packages else None
    if not done:
        work.host.store("running.json", work.document.raw)
    if work.rolling_back:
        keep(work.host, "accepted.json", work.document.raw)
        unaccepted.disarm(work.host)
    work.save()
