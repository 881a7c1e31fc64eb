"""Users that were made for a service, and go with it."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from collections.abc import Iterator

from soop_components.machines.host.on_host.files import KEPT, Answer, RefusedError

LEDGER = f"{KEPT}/ledger.json"
"""Where the runner notes what it has made: of each user, first of all whether it did."""


def made() -> Answer:
    """Return the users that the runner has made, as long as it knows."""
    try:
        with open(LEDGER, encoding="utf-8") as file:
            users = json.load(file)["users"]
        return {"users": sorted(name for name, (created, *_) in users.items() if created)}
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return {"users": []}


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
