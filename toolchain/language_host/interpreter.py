"""The Python that runs a program: the one of its virtual environment, or the one on PATH."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KNOWN_OPTIONS = {"virtualenv": str, "toolchain": str}


class Mistake(Exception):
    """Something in the user's hands, told in one sentence."""


@dataclass(frozen=True)
class Interpreter:
    """A Python and the virtual environment it belongs to."""

    python: Path
    virtualenv: Path | None

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return ``base`` as it is after the virtual environment's activation."""
        environment = dict(base)
        if self.virtualenv is not None:
            environment["VIRTUAL_ENV"] = str(self.virtualenv)
            environment["PATH"] = os.pathsep.join([str(self.virtualenv / "bin"), base.get("PATH", os.defpath)])
            environment.pop("PYTHONHOME", None)
        return environment


def find_interpreter(root: Path, options: Mapping[str, object], environment: Mapping[str, str]) -> Interpreter:
    """Return the Python that ``runtime.options`` of the Pulumi.yaml in ``root`` asks for, or raise :class:`Mistake`."""
    _check(options)
    folder = options.get("virtualenv")
    if not folder:
        return Interpreter(_python_on_path(environment), None)
    virtualenv = root / str(folder)
    python = virtualenv / "bin" / "python"
    if not os.access(python, os.X_OK):
        raise Mistake(f"Pulumi.yaml: runtime.options.virtualenv: {folder} holds no Python; run `make setup`")
    return Interpreter(python, virtualenv)


def _check(options: Mapping[str, object]) -> None:
    for name, value in options.items():
        if name not in KNOWN_OPTIONS:
            raise Mistake(f"Pulumi.yaml: runtime.options.{name}: this language host knows only virtualenv")
        if not isinstance(value, KNOWN_OPTIONS[name]):
            raise Mistake(f"Pulumi.yaml: runtime.options.{name}: expected a text, not {value!r}")
    if options.get("toolchain", "pip") != "pip":
        raise Mistake(f"Pulumi.yaml: runtime.options.toolchain: expected pip, not {options['toolchain']}")


def _python_on_path(environment: Mapping[str, str]) -> Path:
    wanted = environment.get("PULUMI_PYTHON_CMD", "python3")
    found = shutil.which(wanted, path=environment.get("PATH"))
    if found is None:
        raise Mistake(f"there is no {wanted} on PATH to run the program with")
    return Path(found)
