"""Sessions that are kept until they are lost: from the preview to the update, in a server that outlasts both."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from soop_components.release.runner_archive import RunnerArchive
from soop_components.release.session import Session
from soop_components.transport.ssh import Target, connect


class Sessions:
    """The sessions with all nodes, one with each."""

    def __init__(self, archive: RunnerArchive) -> None:
        self._archive = archive
        self._open: dict[str, tuple[Target, str, Session]] = {}
        """By node: where it is, the key it was opened with, and the session."""
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By node; whoever wants the session that somebody is beginning waits for that one."""

    async def open(self, target: Target, private_key: str, patience: float) -> Session:
        """Return the session with a node; one that has to be begun has ``patience`` seconds."""
        async with self._opening[target.name]:
            if known := self._open.get(target.name):
                *where, session = known
                if where == [target, private_key] and await session.is_there():
                    return session
                session.abort()  # at another place, or with a key that is not the domain's any more
            begun = Session(await connect(target, private_key, patience), self._archive)
            self._open[target.name] = (target, private_key, begun)
            return begun

    def drop(self, name: str) -> None:
        """End the session with a node."""
        if known := self._open.pop(name, None):
            known[2].abort()
