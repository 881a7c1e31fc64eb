"""The text that cloud-init carries out at a machine's first start."""

from __future__ import annotations

import json
from collections.abc import Sequence

MOST = 16 * 1024
"""Bytes that EC2 accepts."""


def user_data(node: str, host_key: str, public_host_key: str, authorized_keys: Sequence[str]) -> str:
    """Return cloud-config (JSON is YAML): the machine's name, its one host key, and who may log in as root.

    Disks are not mentioned: a cloud attaches them later than cloud-init looks.
    """
    said = {
        "fqdn": node,
        "hostname": node,
        "prefer_fqdn_over_hostname": True,
        "users": [],
        "disable_root": False,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_genkeytypes": [],
        "ssh_keys": {"ed25519_private": host_key, "ed25519_public": public_host_key},
        "ssh_authorized_keys": list(authorized_keys),
        "locale": False,
    }
    return f"#cloud-config\n{json.dumps(said, indent=1)}\n"
