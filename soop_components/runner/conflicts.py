"""What others have on an existing host that a first version meets: newer packages are refused, files are named."""

from __future__ import annotations

from soop_components.runner import package_needs as needs
from soop_components.runner.work import Work

CLAIM = "claim.json"
"""Is there on an existing host, on which packages and files of others may be, too."""


def check(work: Work) -> None:
    """Fail, before the first change, for a newer package, or one of the base image that is not there."""
    if _is_first(work):
        needs.refuse_lacking(work)
        needs.refuse_older(work, needs.known_to_dpkg(work))


def replaced(work: Work) -> list[str]:
    """Return the files and links that are there, and of which those of the version take the place."""
    if not _is_first(work):
        return []
    return [path for path in sorted(work.document.paths) if work.host.places.look(path) is not None]


def _is_first(work: Work) -> bool:
    """Return whether nothing of ours is on a host of others yet."""
    is_new = not (work.host.has("running.json") or work.ledger.paths or work.ledger.packages)
    return work.host.has(CLAIM) and is_new
