"""Takes away what an earlier plan wanted and this one does not: units first, then files and links."""

from __future__ import annotations

from soop_components.runner import replaced, units
from soop_components.runner.document import UNIT_FOLDER
from soop_components.runner.work import Work


def pending(work: Work) -> tuple[list[str], list[str]]:
    """Return stale units and stale paths."""
    wanted_units = work.document.units
    wanted = {f"{UNIT_FOLDER}/{name}" for name, unit in wanted_units.items() if unit.content is not None}
    for component in work.document.components:
        wanted |= {*component.files, *component.links, *component.absent}
    return sorted(set(work.ledger.units) - set(wanted_units)), sorted(work.ledger.paths - wanted)


def carry_out(work: Work) -> None:
    """Stop stale units and remove stale paths; what we had replaced there comes back."""
    stale_units, stale_paths = pending(work)
    if stale_units:
        work.unsettle()
    for name in stale_units:
        units.end(work, name)
    if not stale_paths:
        return
    work.events.progress(f"removing {len(stale_paths)} files of the version before")
    work.touch(stale_paths)
    for path in stale_paths:
        _remove(work, path)
    work.save()


def _remove(work: Work, path: str) -> None:
    managed = path in work.ledger.files or path in work.ledger.links
    put_back = replaced.put_back(work.host, path)
    if put_back or (managed and work.host.places.remove(path)):
        work.changed(f"{path} {'put back as it was' if put_back else 'removed'}")
    work.ledger.disown(path)
