"""Whether this node was drained and not undrained since: a deployer that was killed in between does not say so."""

from __future__ import annotations

from contextlib import suppress

from soop_components.runner.host import Host
from soop_components.runner.vocabulary import Change, Drift

_FILE = "drained.json"


def begin(host: Host) -> None:
    """Note that the node serves no more; where there is no room for that, it is drained all the same."""
    with suppress(OSError):
        host.store(_FILE, {"drained": True})


def end(host: Host) -> None:
    """Forget it: the node serves again."""
    host.remove(_FILE)


def drift(host: Host) -> list[Drift]:
    """Return what is wrong with a node that serves no more."""
    return [Drift("hook", "undrain", "has not run since the node was drained")] if host.has(_FILE) else []


def pending(host: Host) -> list[Change]:
    """Return what a deployer does about it, beside an apply."""
    return [Change("hook", "undrain", "run")] if host.has(_FILE) else []
