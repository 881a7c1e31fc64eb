"""The folders of scenarios' projects: claimed by one run, copied, shared with the checkout."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.scenarios.inside import by_root


@contextmanager
def claimed(root: Path) -> Iterator[Path | None]:
    """Hold a project's lock, which a killed run loses; None when another run has it."""
    path = root.with_name(f"{root.name}.lock")
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        try:
            yield root
        finally:
            path.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def share(source: Path, target: Path) -> None:
    """Copy a folder or a file by hard links: what they hold is never changed in place."""
    subprocess.run(by_root("cp", "-al", str(source), str(target)), check=True)
