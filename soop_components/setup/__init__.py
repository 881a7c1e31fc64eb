"""Makes a computer ready for a project: system packages, base image, a shell's variables; what `soop setup` does.

`make setup` uses the steps before the Python environment exists: they need the standard library only.
"""

from contextlib import AbstractContextManager

from soop_components.errors import SoopError
from soop_components.project import Project


def setup_lock(project: Project) -> AbstractContextManager[None]:
    """Keep others from setting up the project meanwhile."""
    return project.lock("setup", SoopError(f"{project.root} is being set up by another process; wait for it"))
