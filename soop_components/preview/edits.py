"""What of an update comes from edits of a definition or environment, and not from what happened to nodes."""

from __future__ import annotations

from collections.abc import Iterator

from soop_components.preview.facts import DomainPreview, ResourceChange
from soop_components.preview.words import resource_in_words, service_in_words

_NO_EDIT = ("authorizedKey", "running", "claimed")
"""Properties of machines that change without an edit: by a rotation that was begun, or by what became of them."""


def edits(preview: DomainPreview) -> Iterator[str]:
    """Yield in words what an update would change besides repairing drift."""
    yield from (service_in_words(each) for each in preview.services if each.action not in ("none", "repair"))
    for change in preview.resources:
        if not _is_no_edit(change):
            yield f"{change.name}: {resource_in_words(change)}"


def _is_no_edit(change: ResourceChange) -> bool:
    return change.action == "update" and all(path.rsplit(".", 1)[-1] in _NO_EDIT for path in change.because)
