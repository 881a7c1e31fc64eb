"""Makes what runs the version to roll back to, and removes what neither needs."""

from __future__ import annotations

import os
import sys

from soop_components.runner.blobs import Blobs
from soop_components.runner.document import parse, version_of
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host, remove_tree
from soop_components.runner.protocol import Accept


def accept(host: Host, request: Accept) -> None:
    """Accept the running document if it has the digest of the request."""
    with host.lock() as mine:
        if not mine:
            raise Failure("lock", "another apply is running on this node")
        running = host.load("running.json")
        if running is None or running["plan_digest"] != request.plan_digest:
            runs = f"{version_of(running).reference} with another plan" if running else "nothing"
            raise Failure("state", f"the version to accept does not run on this node, which runs {runs}")
        accepted = host.load("accepted.json")
        if accepted is None or accepted["plan_digest"] != request.plan_digest:
            host.store("accepted.json", running)
        Blobs(host).prune(parse(running).blobs | set(request.blobs))
        _prune_runners(host)


def _prune_runners(host: Host) -> None:
    """Remove other versions of the runner; a deployer that needs one sends it again."""
    folder, mine = os.path.split(os.path.abspath(sys.argv[0]))
    if folder != host.kept("runner"):
        return
    for name in set(os.listdir(folder)) - {mine}:
        remove_tree(os.path.join(folder, name))
