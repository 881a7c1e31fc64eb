"""The gateway through which all programs are run."""

from __future__ import annotations

import subprocess

from .failure import Refused

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_PATIENCE = 60
_PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "systemd-nspawn": "systemd-container",
    "mount": "mount",
    "umount": "mount",
    "mkfs.ext4": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "resize2fs": "e2fsprogs",
    "losetup": "mount",
    "systemd-run": "systemd",
}


def run(
    *argv: str, stdin: str = "", folder: str = "/", good: tuple[int, ...] = (0,), patience: float = _PATIENCE
) -> str:
    """Run a program, which no Ctrl-C of the caller's terminal reaches, and return what it printed.

    ``good`` are the exit codes of success; it may take ``patience`` seconds.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=patience,
            cwd=folder,
            env=ENVIRONMENT,
            start_new_session=True,
            close_fds=False,
            check=False,
        )
    except FileNotFoundError as error:
        raise missing(argv[0]) from error
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{' '.join(argv)} did not end within {patience} seconds") from error
    if done.returncode not in good:
        said = done.stderr.strip()[-800:] or f"exit code {done.returncode}"
        raise Refused(f"{' '.join(argv)} failed: {said}")
    return done.stdout


def missing(program: str) -> Refused:
    """Return the error for a program that is not installed."""
    package = _PACKAGES.get(program, program)
    return Refused(f"{program} is not installed", f"apt-get install {package}")
