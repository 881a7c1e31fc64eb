"""libvirt's daemon for tests: that of this computer, or one of our own where no init system starts it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.setup.root_access import as_root

_PROGRAMS = ("virtlogd", "libvirtd")
_SECONDS = 300
_WITHOUT_KVM = 'test ! -e /dev/kvm || mount --bind /dev/null /dev/kvm; exec "$@"'
"""Tests emulate processors; where ``/dev/kvm`` is there and does not work, libvirt would wait for it each time."""


@contextmanager
def running(checkout: Checkout) -> Iterator[None]:
    """Let libvirt answer meanwhile; daemons that a killed run has left are used, and end with this one."""
    files = {program: checkout.home / "run" / f"{program}.pid" for program in _PROGRAMS}
    left = any(_runs(program, file) for program, file in files.items())
    if not left and _answers():
        yield
        return
    try:
        for program, file in files.items():
            if not _runs(program, file):
                alone = ["unshare", "--mount", "sh", "-c", _WITHOUT_KVM, program]
                subprocess.run(as_root([*alone, program, "--daemon", "--pid-file", file]), check=True)
        _wait_until(_answers, "libvirt does not answer")
        yield
    finally:
        for program, file in reversed(files.items()):
            subprocess.run(as_root(["pkill", "--exact", "--pidfile", file, program]), capture_output=True, check=False)
            _wait_until(partial(_has_ended, program, file), f"{program} does not end")
            print(f"stopped {program}")


def _runs(program: str, file: Path) -> bool:
    """Return whether a daemon of ours runs."""
    argv = as_root(["pgrep", "--exact", "--pidfile", file, program])
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _has_ended(program: str, file: Path) -> bool:
    return not _runs(program, file)


def _wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Trouble(f"{otherwise} within {_SECONDS} seconds")
        time.sleep(0.2)


def _answers() -> bool:
    argv = as_root(["virsh", "--connect", "qemu:///system", "list"])
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
