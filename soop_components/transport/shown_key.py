"""The key that a host shows to somebody who does not know it yet."""

from __future__ import annotations

import asyncio

from soop_components.errors import SoopError
from soop_components.transport.ssh import KEY_TYPE, load_library

_SECONDS = 20.0


async def shown_key(address: str, port: int) -> tuple[str, str]:
    """Return a host's public key line and its fingerprint; nothing proves that it is that host's."""
    load_library()
    import asyncssh

    try:
        async with asyncio.timeout(_SECONDS):
            key = await asyncssh.get_server_host_key(address, port, config=None, server_host_key_algs=[KEY_TYPE])
    except (OSError, TimeoutError, asyncssh.Error) as error:
        reason = str(error) or f"no answer within {_SECONDS:.0f} seconds"
        raise SoopError(f"{address} port {port} shows no {KEY_TYPE} host key: {reason}") from error
    if key is None:
        raise SoopError(f"{address} port {port} shows no host key")
    return key.export_public_key().decode().strip(), key.get_fingerprint()
