"""Users that were made for a service, and go with it."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from collections.abc import Iterator

from soop_components.machines.host.on_host.files import KEPT, Answer, RefusedError, replace

LEDGER = f"{KEPT}/ledger.json"
"""Where the runner notes what it has made: of each user, first of all whether it did."""
GOING = f"{KEPT}/users-that-go.json"
"""The users of a machine that is being left: the runner forgets them before they are removed."""


def made() -> Answer:
    """Return the users that the runner has made, also those that it has forgotten since this was first asked."""
    users = sorted({*_going(), *_in_ledger()})
    if users:
        replace(GOING, json.dumps(users), 0o600, os.geteuid(), os.getegid())
    return {"users": users}


def _going() -> list[str]:
    try:
        with open(GOING, encoding="utf-8") as file:
            return [str(name) for name in json.load(file)]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def _in_ledger() -> list[str]:
    try:
        with open(LEDGER, encoding="utf-8") as file:
            users = json.load(file)["users"]
        return [name for name, (created, *_) in users.items() if created]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []


def remove(users: list[str], mounts: list[str]) -> Answer:
    """Remove users, but those to whom data belong that stay."""
    kept = set(_owners(mounts)) if users else set()
    for name in users:
        try:
            number = pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
        if number not in kept:
            done = subprocess.run(["userdel", name], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RefusedError(f"the user {name} cannot be removed: {done.stderr.strip()}")
    return {}


def _owners(mounts: list[str]) -> Iterator[int]:
    for mount in mounts:
        for folder, _, names in os.walk(mount):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                yield os.lstat(path).st_uid
