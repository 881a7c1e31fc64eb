"""libvirt, asked by ``virsh``."""

from __future__ import annotations

import asyncio
import subprocess
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from soop_components.errors import SoopError, printable

_SECONDS = 3600
"""What copies a disk takes its time."""


class Virsh:
    """libvirt at a URI, as the settings of an environment name it."""

    def __init__(self, uri: str) -> None:
        self._uri = connection_uri(uri)

    async def __call__(self, *words: str) -> str:
        """Run a command of ``virsh`` and return what it prints; ``SoopError`` when libvirt refuses."""
        return await asyncio.to_thread(self.run, *words)

    async def succeeds(self, *words: str) -> bool:
        """Return whether libvirt accepts a command."""
        try:
            await self(*words)
        except SoopError:
            return False
        return True

    def run(self, *words: str, seconds: float = _SECONDS) -> str:
        """Do the same, and wait for it, so many seconds at most."""
        argv = ["virsh", "--quiet", "--connect", self._uri, *words]
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds
            )
        except FileNotFoundError:
            hint = "install Debian's package libvirt-clients on this computer"
            raise SoopError("virsh is not installed, with which soop asks libvirt", hint) from None
        except subprocess.TimeoutExpired:
            raise SoopError(f"virsh {words[0]} has not ended after {seconds:g} seconds") from None
        if done.returncode:
            said = printable(" ".join(done.stderr.split())).removeprefix("error: ")
            raise SoopError(f"virsh {words[0]} failed: {said or f'exit code {done.returncode}'}")
        return done.stdout.strip()


def connection_uri(uri: str) -> str:
    """Return a URI for ``virsh``, whose SSH takes the files that libvirt's provider for Pulumi names otherwise."""
    parts = urlsplit(uri)
    if parts.scheme != "qemu+ssh":
        return uri
    names = {"knownhosts": "known_hosts"}
    said = [(names.get(name, name), value) for name, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(scheme="qemu+libssh", query=urlencode(said, safe="/")))
