"""Who has the machine, and whose keys open it."""

from __future__ import annotations

import json
import os
import pwd
import tempfile
from contextlib import suppress

from soop_components.machines.host.on_host.files import KEPT, Answer, RefusedError, remove, replace

VOLATILE = "/run/soop"
CLAIM = f"{KEPT}/claim.json"
LEFT = "/var/lib/soop-left.json"
"""Whose data lie in folders of the machine, when their nodes are gone."""
_BEGIN = "# soop: begin (keys of the domain that this machine is a node of; written by soop, do not edit)"
_END = "# soop: end"


def claimed() -> Answer | None:
    """Return who has claimed the machine; None if nobody has."""
    try:
        with open(CLAIM, encoding="utf-8") as file:
            found = json.load(file)
        return {"node": str(found["node"]), "key": str(found["key"])}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        return {"node": f"somebody whose {CLAIM} is damaged", "key": ""}


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
    return claimed()


def authorize(node: str, user: str, keys: list[str], alone: bool) -> Answer:
    """Let these keys, and no others of ours, log in as a user; ``alone``: no others at all.

    On a machine that was made for the node, the others are what its user data said, for the first login.
    """
    held = claimed()
    if held is None or held["node"] != node:
        raise RefusedError(f"is not claimed by {node} any more, but by {held['node'] if held else 'nobody'}")
    if held["key"] != keys[-1]:
        replace(CLAIM, json.dumps({"node": node, "key": keys[-1]}), 0o600, 0, 0)
    _authorize(user, keys, alone)
    return {}


def occupied(mounts: list[str], node: str) -> dict[str, str]:
    """Return which of these folders hold data that are not this node's, and whose they are."""
    left = _left()
    full = [path for path in mounts if os.path.isdir(path) and os.listdir(path)]
    return {path: left.get(path, "somebody else") for path in full if left.get(path) != node}


def leave(node: str, user: str, mounts: list[str]) -> Answer:
    """Take away what only SOOP needs, the claim and then the keys last; other nodes' machines stay as they are.

    What is in folders with data stays, and whose it is. As long as a key opens the machine, this can be repeated.
    """
    held = claimed()
    if held is not None and held["node"] != node:
        return {}
    full = {path: node for path in mounts if os.path.isdir(path) and os.listdir(path)}
    if full:
        replace(LEFT, json.dumps({**_left(), **full}), 0o600, os.geteuid(), os.getegid())
    for name in os.listdir(KEPT) if os.path.isdir(KEPT) else []:
        if name != os.path.basename(CLAIM):
            remove(f"{KEPT}/{name}")
    remove(VOLATILE)
    remove(CLAIM)
    remove(KEPT)
    _authorize(user, [])
    return {}


def _left() -> dict[str, str]:
    try:
        with open(LEFT, encoding="utf-8") as file:
            found = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    return {str(path): str(node) for path, node in found.items()} if isinstance(found, dict) else {}


def _authorize(user: str, keys: list[str], alone: bool = False) -> None:
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
    lines = [] if alone else text.splitlines()
    if _BEGIN in lines:
        start = lines.index(_BEGIN)
        end = lines.index(_END, start) if _END in lines[start:] else start
        del lines[start : end + 1]
    if keys:
        lines += [_BEGIN, *keys, _END]
    wanted = "".join(f"{line}\n" for line in lines)
    if wanted != text:
        replace(path, wanted, 0o600, account.pw_uid, account.pw_gid)
