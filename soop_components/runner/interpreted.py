"""Daemons of packages that an interpreter runs: what they have loaded of upgraded packages is mapped by no process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from soop_components.runner import dpkg, processes
from soop_components.runner.host import Host
from soop_components.runner.touched import Touched

_INTERPRETERS = re.compile(
    r"(?:python|perl|ruby|php|lua|luajit|tclsh|node|nodejs|java|beam|guile|mono|dotnet|(?:ba|da|k|z)?sh)[\d.]*(?:\.smp)?"
)
"""Programs that run what other files say, with or without a version in their names."""


def uses(host: Host, unit_files: Iterable[str], pids: Iterable[str], changed: Iterable[Touched]) -> bool:
    """Return whether a unit's processes are interpreted programs of a package that changed or needs one that did.

    Its package is the one that its unit file is out of.
    """
    packages = {each.name for each in changed if each.what in ("installed", "removed")}
    programs = (os.path.basename(processes.program(pid)) for pid in pids)
    if not packages or not any(map(_INTERPRETERS.fullmatch, programs)):
        return False
    return not packages.isdisjoint(dpkg.with_needed(host, dpkg.owners(host, unit_files)))
