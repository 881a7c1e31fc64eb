"""Commands that need root's rights on this host."""

from __future__ import annotations

import shlex
import subprocess

from tests.scenarios.inside import by_root


def as_root(*argv: str, stdin: bytes = b"") -> str:
    """Run a command as root and return what it says."""
    done = subprocess.run(by_root(*argv), input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(argv)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode().strip()
