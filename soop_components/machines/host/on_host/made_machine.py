"""A machine that was made for its node: its first start, its host key, its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from soop_components.machines.host.on_host.files import KEPT, Answer, RefusedError

_FRESH = f"{KEPT}/host-key-is-fresh"
_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"


def await_cloud_init(seconds: int) -> Answer:
    """Wait until cloud-init, if there is any, has ended; refuse when it failed."""
    if shutil.which("cloud-init") is None:
        return {}
    argv = ["cloud-init", "status", "--wait"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise RefusedError(f"cloud-init has not ended after {seconds} seconds") from None
    if done.returncode == 1:
        raise RefusedError(f"cloud-init failed: {done.stdout.strip()[-500:]}")
    return {}


def fresh_host_key() -> Answer:
    """Replace the host key that the machine was made with, once, and return the public line of what it shows."""
    if not os.path.exists(_FRESH):
        folder = tempfile.mkdtemp(prefix=".host-key-", dir="/etc/ssh")
        try:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", f"{folder}/key"], check=True)
            os.chmod(f"{folder}/key.pub", 0o644)
            os.rename(f"{folder}/key.pub", f"{_HOST_KEY}.pub")
            os.rename(f"{folder}/key", _HOST_KEY)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["systemctl", "try-reload-or-restart", "ssh.service"], check=True)
        os.makedirs(KEPT, mode=0o711, exist_ok=True)
        with open(_FRESH, "w", encoding="ascii"):
            pass
    with open(f"{_HOST_KEY}.pub", encoding="ascii") as file:
        return {"hostKey": " ".join(file.read().split()[:2])}


def power_off() -> Answer:
    """Shut the machine down, after this answer."""
    subprocess.run(["systemctl", "--no-block", "poweroff"], check=True)
    return {}
