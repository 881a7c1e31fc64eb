"""What is done with existing hosts inside an update: nothing, since they are somebody else's."""

from __future__ import annotations

from soop_components.machines import Operations, Unsupported


class SshOperations(Operations):
    """Existing hosts run, and are started and stopped by whoever they belong to."""

    kind = "ssh"

    async def start(self, node: str) -> None:
        """Refuse."""
        raise Unsupported(f"{node}: an existing host is not started by soop", "start it by your own means")

    async def stop(self, node: str) -> None:
        """Refuse."""
        raise Unsupported(f"{node}: an existing host is never stopped by soop", "stop it by your own means")
