"""Commands that need root's rights on this host."""

from __future__ import annotations

import os
import shlex
import subprocess


def as_root(*argv: str, stdin: bytes = b"") -> str:
    """Run a command as root and return what it says."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    done = subprocess.run([*sudo, *argv], input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(argv)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode().strip()
