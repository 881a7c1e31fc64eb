"""Which packages of nodes go since new ones exclude them, for a preview."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from soop_components.errors import SoopError
from soop_components.model.plan import RolePlan
from soop_components.runner import dpkg, relations
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.relations import Control


def going(
    before: Mapping[str, RolePlan], after: Mapping[str, RolePlan], archive: Callable[[str], Path]
) -> Iterator[str]:
    """Yield in words what goes from which role, and why; ``archive`` finds a package by digest or is a ``SoopError``.

    Where the artifact of the earlier version is not in the store any more, what its packages exclude is not known.
    """
    host = Host()

    def control(role: RolePlan, name: str) -> Control:
        try:
            return dpkg.controls(host, [str(archive(role.packages[name].digest))])[name]
        except (SoopError, Failure, OSError, KeyError):
            return Control(name, role.packages[name].version, {})

    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        leaving = [control(old, package) for package in sorted(old.packages.keys() - new.packages.keys())]
        changed = [package for package in sorted(new.packages) if new.packages[package] != old.packages.get(package)]
        coming = [control(new, package) for package in changed if leaving]
        for gone in leaving:
            reasons = (relations.reason(new_one, gone, partial(dpkg.compare, host)) for new_one in coming)
            if reason := next(filter(None, reasons), None):
                yield f"{name}: package {gone.name} goes, {reason}"
