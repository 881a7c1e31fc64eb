"""Everything that the runner manages, in the order in which a component is configured.

Users with given or remembered numbers are first of all, before packages take any numbers. Packages are installed once,
for all components.
"""

from __future__ import annotations

from typing import Final

from soop_components.runner.debconf import Answers
from soop_components.runner.directories import Directories
from soop_components.runner.files import Files
from soop_components.runner.links import Absent, Links
from soop_components.runner.managed import Managed
from soop_components.runner.packages import Packages
from soop_components.runner.scripts import Scripts
from soop_components.runner.units import Units
from soop_components.runner.users import Users

KINDS: Final[tuple[Managed, ...]] = (
    Users(),
    Answers(),
    Packages(),
    Directories(),
    Files(),
    Links(),
    Absent(),
    Scripts("before_units"),
    Units(),
    Scripts("after_units"),
)
