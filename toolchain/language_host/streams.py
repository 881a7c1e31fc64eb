"""Reads what a process prints on both of its streams, as it comes."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Iterator
from typing import Literal


def read(process: subprocess.Popen[bytes]) -> Iterator[tuple[Literal["stdout", "stderr"], bytes]]:
    """Yield pieces with the name of their stream until both have ended."""
    with selectors.DefaultSelector() as selector:
        for name in ("stdout", "stderr"):
            selector.register(getattr(process, name), selectors.EVENT_READ, name)
        while selector.get_map():
            for key, _ in selector.select():
                piece = os.read(key.fd, 65536)
                if piece:
                    yield key.data, piece
                else:
                    selector.unregister(key.fileobj)
