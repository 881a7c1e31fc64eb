"""``soop host-key``: prints the key that a host shows, for who compares it and puts it into an environment's file."""

from __future__ import annotations

import argparse
import asyncio

from soop_components.cli.terminal import say
from soop_components.transport.shown_key import shown_key

HELP = "print the SSH host key that an existing host shows, with its fingerprint"
DESCRIPTION = """\
Prints the SSH host key that a host shows, in the form in which `ssh: {hosts: …}` of an environment's file wants it, and
its fingerprint. Nobody knows yet that it is that host: compare the fingerprint with what the host itself says, at its
console or as somebody who is known to it: ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("address", metavar="ADDRESS", help="name or address of the host")
    parser.add_argument("-p", "--port", type=int, default=22, help="port of its SSH server (22)")


def run(arguments: argparse.Namespace) -> int:
    """Ask the host, and print."""
    key, fingerprint = asyncio.run(shown_key(arguments.address, arguments.port))
    say(f"host_key: {key}")
    say(f"fingerprint: {fingerprint}")
    say("compare it with what the host itself says: ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub")
    return 0
