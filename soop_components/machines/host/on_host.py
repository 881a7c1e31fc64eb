"""What a Host does on its machine, as root: the standard library only, sent over the connection each time.

``main`` takes ``{"verb": …}`` and the verb's arguments, and prints one line of JSON: the answer, or
``{"refused": sentence}``. Every verb may be repeated.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

KEPT = "/var/lib/soop"
CLAIM = f"{KEPT}/claim.json"
ROTATED = f"{KEPT}/host-key-is-fresh"
_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
_BEGIN = "# soop: begin (keys of the domain that this machine is a node of; written by soop, do not edit)"
_END = "# soop: end"


Answer = dict[str, Any]


class RefusedError(Exception):
    """Something that a person has to see to."""


def main(request: dict[str, Any]) -> None:
    """Carry out a request and print the answer."""
    os.umask(0o077)
    try:
        answer = VERBS[request.pop("verb")](**request)
    except RefusedError as error:
        answer = {"refused": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")


def look() -> Answer:
    """Return what kind of machine this is, and who has claimed it."""
    release = {}
    with open("/etc/os-release", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.strip().partition("=")
            release[key] = value.strip('"')
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemTotal"))
    return {
        "base": f"{release.get('ID')}-{release.get('VERSION_ID')}",
        "architecture": _output("dpkg", "--print-architecture"),
        "systemd": os.path.isdir("/run/systemd/system"),
        "memory": memory,
        "cpus": os.cpu_count(),
        "claim": _claim(),
    }


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


def claim(node: str, key: str) -> Answer | None:
    """Claim the machine for a node, unless it is claimed already; return who has it then.

    ``key`` is the domain's public key, which tells it from one of the same name. What was written is there as a whole.
    """
    os.makedirs(KEPT, mode=0o711, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".claim-", dir=KEPT)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"node": node, "key": key}, file)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, CLAIM)
    finally:
        os.unlink(temporary)
    return _claim()


def authorize(node: str, user: str, keys: list[str]) -> Answer:
    """Let these keys, and no others of ours, log in as a user."""
    held = _claim()
    if held is None or held["node"] != node:
        raise RefusedError(f"is not claimed by {node} any more, but by {held['node'] if held else 'nobody'}")
    if held["key"] != keys[-1]:
        _replace(CLAIM, json.dumps({"node": node, "key": keys[-1]}), 0o600, 0, 0)
    _authorize(user, keys)
    return {}


def fresh_host_key() -> Answer:
    """Replace the host key that the machine was made with, once, and return the public line of what it shows."""
    if not os.path.exists(ROTATED):
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
        with open(ROTATED, "w", encoding="ascii"):
            pass
    with open(f"{_HOST_KEY}.pub", encoding="ascii") as file:
        return {"hostKey": " ".join(file.read().split()[:2])}


def leave(node: str, user: str) -> Answer:
    """Take away what only SOOP needs, the claim last; other nodes' machines stay as they are."""
    held = _claim()
    if held is not None and held["node"] != node:
        return {}
    _authorize(user, [])
    for name in os.listdir(KEPT) if os.path.isdir(KEPT) else []:
        if name != os.path.basename(CLAIM):
            _remove(f"{KEPT}/{name}")
    _remove("/run/soop")
    _remove(CLAIM)
    _remove(KEPT)
    return {}


def power_off() -> Answer:
    """Shut the machine down, after this answer."""
    subprocess.run(["systemctl", "--no-block", "poweroff"], check=True)
    return {}


def _claim() -> Answer | None:
    try:
        with open(CLAIM, encoding="utf-8") as file:
            found = json.load(file)
        return {"node": str(found["node"]), "key": str(found["key"])}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        return {"node": f"somebody whose {CLAIM} is damaged", "key": ""}


def _authorize(user: str, keys: list[str]) -> None:
    account = pwd.getpwnam(user)
    folder = f"{account.pw_dir}/.ssh"
    path = f"{folder}/authorized_keys"
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except FileNotFoundError:
        if not keys:
            return
        text = ""
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o700)
            os.chown(folder, account.pw_uid, account.pw_gid)
    lines = text.splitlines()
    if _BEGIN in lines:
        start = lines.index(_BEGIN)
        end = lines.index(_END, start) if _END in lines[start:] else start
        del lines[start : end + 1]
    if keys:
        lines += [_BEGIN, *keys, _END]
    wanted = "".join(f"{line}\n" for line in lines)
    if wanted != text:
        _replace(path, wanted, 0o600, account.pw_uid, account.pw_gid)


def _replace(path: str, text: str, mode: int, uid: int, gid: int) -> None:
    """Write a file as a whole."""
    descriptor, temporary = tempfile.mkstemp(prefix=".soop-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), uid, gid)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _remove(path: str) -> None:
    """Remove a file, or a folder with all that is in it; the absent is fine."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _output(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


VERBS: dict[str, Callable[..., Answer | None]] = {
    "look": look,
    "await_cloud_init": await_cloud_init,
    "claim": claim,
    "authorize": authorize,
    "fresh_host_key": fresh_host_key,
    "leave": leave,
    "power_off": power_off,
}
