"""Makes what runs the accepted version, keeps the one before it, and removes what neither needs.

accepted.json alone cannot say what a rollback leads to: a deployer may end after some nodes have accepted and before
its state says so. So the state decides, and a node keeps both documents until the next acceptance.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from soop_components.runner import drained, unaccepted
from soop_components.runner.document import version_of
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host, remove_tree
from soop_components.runner.protocol import Accept
from soop_components.runner.pruning import prune


def accept(host: Host, request: Accept) -> None:
    """Accept the running document if it has the digest of the request."""
    with host.lock() as mine:
        if not mine:
            raise Failure("lock", "another apply is running on this node")
        running = host.load("running.json")
        if running is None or running["plan_digest"] != request.plan_digest:
            runs = f"{version_of(running).reference} with another plan" if running else "nothing"
            if noted := unaccepted.noted(host):
                runs += f": it rolled back by itself, since it saw no sign of the deployer for {noted.within} s"
            raise Failure("state", f"the version to accept does not run on this node, which runs {runs}")
        if host.ledger().unfinished:  # since the last apply or rollback that succeeded, something was changed
            noted = unaccepted.noted(host)
            why = f"its own rollback failed: {noted.failure}" if noted and noted.failure else "an apply was cut short"
            raise Failure("state", f"the version to accept is not whole on this node any more: {why}")
        good = last_good(host, request.last_good)
        if good is not None and good["plan_digest"] != running["plan_digest"]:
            keep(host, "previous.json", good)
        keep(host, "accepted.json", running)
        unaccepted.disarm(host)
        unaccepted.forget(host)
        drained.end(host)
        prune(host, request.blobs)
        programs = host.kept("scripts")
        if os.path.isdir(programs) and os.listdir(programs):  # a killed runner left them, with secrets in files
            remove_tree(programs)


def last_good(host: Host, plan_digest: str | None) -> dict[str, Any] | None:
    """Return the document to roll back to: the one before the accepted one if only that has this digest."""
    accepted = host.load("accepted.json")
    if plan_digest is None or accepted is None or accepted["plan_digest"] == plan_digest:
        return accepted
    previous = host.load("previous.json")
    return previous if previous and previous["plan_digest"] == plan_digest else accepted


def keep(host: Host, name: str, document: Mapping[str, Any]) -> None:
    """Store a document; one that is there gets the time of now."""
    kept = host.load(name)
    if kept is None or kept["plan_digest"] != document["plan_digest"]:
        host.store(name, document)
    else:
        os.utime(host.kept(name))


def good_since(host: Host, good: Mapping[str, Any] | None) -> int:
    """Return when the last good version was accepted, or rolled back to, last; seconds since 1970, 0 if not known."""
    accepted = host.load("accepted.json")
    if good is None or accepted is None or accepted["plan_digest"] != good["plan_digest"]:
        return 0
    return int(os.stat(host.kept("accepted.json")).st_mtime)
