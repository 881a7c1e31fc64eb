"""What is said of a machine that does not answer."""

from __future__ import annotations

import asyncio
import socket

import pytest

from soop_components.errors import SoopError
from soop_components.machines.local.host_key import new_host_key
from soop_components.transport.ssh import Target, connect


def test_silence_may_be_that_of_a_node_which_lets_others_in() -> None:
    pair = new_host_key()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target("web-1", "127.0.0.1", pair.public, silent.getsockname()[1])
        with pytest.raises(SoopError, match=r"does not answer \(no answer\)") as caught:
            asyncio.run(connect(target, None, 0.0))
    assert "security.ssh_from" in str(caught.value.hint)
