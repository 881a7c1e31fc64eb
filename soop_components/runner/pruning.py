"""Removes what this node needs no more: blobs of versions that it neither keeps nor gets, and other runners."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress

from soop_components.runner.blobs import Blobs
from soop_components.runner.host import Host, remove_tree

_KEPT = ("accepted.json", "previous.json", "running.json")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def prune(host: Host, needed: Iterable[str]) -> None:
    """Keep these blobs, those of the versions that the node keeps, and the runner that we are."""
    keep = set(needed)
    for name in _KEPT:
        with suppress(FileNotFoundError), open(host.kept(name), encoding="utf-8", errors="replace") as file:
            keep.update(_DIGEST.findall(file.read()))
    Blobs(host).prune(keep)
    _prune_runners(host)


def _prune_runners(host: Host) -> None:
    """Remove other versions of the runner; a deployer that needs one sends it again."""
    folder, mine = os.path.split(os.path.abspath(sys.argv[0]))
    if folder != host.kept("runner"):
        return
    for name in set(os.listdir(folder)) - {mine}:
        remove_tree(os.path.join(folder, name))
