"""Makes the modules of Pulumi's protocol importable without its SDK."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path


def stub_pulumi_sdk() -> None:
    """Stand empty packages in for ``pulumi`` and ``pulumi.runtime``: importing the protocol below then runs neither.

    The SDK takes longer to import than all the rest, at each command of the engine. Only for a process of its own.
    """
    found = importlib.util.find_spec("pulumi")
    if found is None or found.origin is None:
        sys.exit("this Python has no package pulumi: install what the project requires into .venv")
    folder = Path(found.origin).parent
    for name, path in (("pulumi", folder), ("pulumi.runtime", folder / "runtime")):
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
