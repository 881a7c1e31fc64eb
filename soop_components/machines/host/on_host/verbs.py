"""The way from a request to its answer; every verb may be repeated."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from soop_components.machines.host.on_host import claims, disks, looking, made_machine, packet_filter, users
from soop_components.machines.host.on_host.files import Answer, RefusedError

VERBS: dict[str, Callable[..., Answer | None]] = {
    "look": looking.look,
    "claim": claims.claim,
    "authorize": claims.authorize,
    "leave": claims.leave,
    "mount": disks.mount,
    "unmount": disks.unmount,
    "look_at_firewall": packet_filter.state,
    "arm_firewall": packet_filter.arm,
    "keep_firewall": packet_filter.keep,
    "take_firewall_back": packet_filter.take_back,
    "remove_firewall": packet_filter.open_up,
    "users_made": users.made,
    "remove_users": users.remove,
    "await_cloud_init": made_machine.await_cloud_init,
    "fresh_host_key": made_machine.fresh_host_key,
    "power_off": made_machine.power_off,
}


def main(request: dict[str, Any]) -> None:
    """Carry out ``{"verb": …, …}`` and print one line of JSON: the answer, or ``{"refused": sentence}``."""
    os.umask(0o077)
    try:
        answer = VERBS[request.pop("verb")](**request)
    except RefusedError as error:
        answer = {"refused": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
