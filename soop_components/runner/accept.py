"""Makes what runs the version to roll back to, and removes what neither needs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from soop_components.runner.blobs import Blobs
from soop_components.runner.document import parse, version_of
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host, remove_tree
from soop_components.runner.protocol import Accept


def accept(host: Host, request: Accept) -> None:
    """Accept the running document if it is the one that is meant."""
    with host.lock() as mine:
        if not mine:
            raise Failure("lock", "another apply is running on this node")
        running = host.load("running.json")
        if running is None or running["plan_digest"] != request.plan_digest:
            runs = f"{version_of(running).reference} with another plan" if running else "nothing"
            raise Failure("state", f"what is to be accepted does not run here; the node runs {runs}")
        accepted = host.load("accepted.json")
        if accepted is None or accepted["plan_digest"] != request.plan_digest:
            host.store("accepted.json", running)
        Blobs(host).prune(parse(running).blobs | set(request.blobs))
        _prune_runners(host)


def _prune_runners(host: Host) -> None:
    """Remove other versions of the runner; a deployer that needs one sends it again."""
    folder = host.kept("runner")
    mine = os.path.basename(sys.argv[0]).removesuffix(".pyz")
    if not os.path.isfile(os.path.join(folder, f"{mine}.pyz")):
        return
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.removesuffix(".pyz") == mine:
            continue
        if os.path.isdir(path):
            remove_tree(path)
        else:
            with suppress(FileNotFoundError):
                os.unlink(path)
