"""A visit to a host: one connection over which our program runs there, as root."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from soop_components.errors import SoopError, printable
from soop_components.transport.ssh import Connection, Target, connect

_FOLDER = Path(__file__).with_name("on_host")
_PACKAGE = f"{__package__}.on_host"
_MODULES = ("files", "claims", "packet_filter", "listening", "looking", "disks", "made_machine", "users", "verbs")
"""Each after those that it imports."""
_LOADER = """
import json, sys, types
sent = json.load(sys.stdin)
package = sys.modules[sent["package"]] = types.ModuleType(sent["package"])
for name, source in sent["modules"].items():
    module = sys.modules[sent["package"] + "." + name] = types.ModuleType(name)
    exec(compile(source, name + ".py", "exec"), vars(module))
    setattr(package, name, module)
package.verbs.main(sent["request"])
"""
_LONGEST = 1 << 20
"""Bytes of an answer."""
_SECONDS = 120.0
"""Time that a request has."""
_NOT_FOUND = 127
_SILENT = 2.0
"""Seconds after which a machine is silent that says nothing at all."""
_SILENCES = 3
"""How often in a row one is that counts as off."""
_PAUSE = 0.5


class Visit:
    """An open connection to a host."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._name = connection.target.name

    async def check_access(self) -> None:
        """Raise ``SoopError`` where we cannot become root, or there is no Python."""
        user = self._connection.target.user
        code, _, errors = await self._run("true")
        if code != 0:
            said = errors.strip().splitlines()[-1:] or ["sudo is not installed" if code == _NOT_FOUND else "no reason"]
            raise SoopError(
                f"{self._name}: {user} cannot become root without a password: {said[0]}",
                f"let {user} use sudo without a password: `{user} ALL=(ALL) NOPASSWD: ALL` in a file of /etc/sudoers.d",
            )
        if (await self._run("command -v python3"))[0] != 0:
            raise SoopError(f"{self._name}: there is no python3", "install Debian's package python3 on it")

    async def ask(self, verb: str, takes: float = 0, **arguments: Any) -> Any:
        """Carry out a verb of ``on_host`` there, which may take so many seconds more, and return its answer."""
        sent = {"package": _PACKAGE, "modules": _sources(), "request": {"verb": verb, **arguments}}
        command = f"python3 -I -c {shlex.quote(_LOADER)}"
        code, output, errors = await self._run(command, json.dumps(sent).encode(), _SECONDS + takes)
        try:
            answer = json.loads(output)
        except ValueError as error:
            tail = "".join(f"\n  | {printable(line)}" for line in errors.splitlines()[-20:])
            raise SoopError(f"{self._name}: {verb} failed with exit code {code}{tail}") from error
        if isinstance(answer, dict) and "refused" in answer:
            raise SoopError(f"{self._name}: {printable(answer['refused'])}")
        return answer

    async def _run(self, command: str, stdin: bytes = b"", seconds: float = _SECONDS) -> tuple[int, bytes, str]:
        try:
            async with asyncio.timeout(seconds):
                process = await self._connection.start(command)
                try:
                    await process.feed(stdin)
                    output = await process.line(_LONGEST)
                    errors = (await process.read_errors()).decode(errors="replace")
                    return await process.wait(), output, errors
                finally:
                    process.close()
        except TimeoutError:
            message = f"{self._name}: does not answer within {round(seconds)} seconds"
            raise SoopError(message, "look at the machine") from None


@asynccontextmanager
async def visit(target: Target, private_key: str | None, patience: float) -> AsyncIterator[Visit]:
    """Connect to a host, with the keys of whoever runs this if none is given."""
    connection = await connect(target, private_key, patience)
    try:
        yield Visit(connection)
    finally:
        connection.abort()


async def await_off(address: str, port: int, seconds: float) -> bool:
    """Wait until a machine that shuts down is off: as long as its kernel runs, it refuses where nobody listens.

    Only silence again and again counts: one answer may get lost, and disks are written after the network has ended.
    Returns False if it still answers then.
    """
    deadline, silences = asyncio.get_running_loop().time() + seconds, 0
    while asyncio.get_running_loop().time() < deadline:
        try:
            async with asyncio.timeout(_SILENT):
                _, writer = await asyncio.open_connection(address, port)
            writer.close()
            silences = 0
        except ConnectionError:
            silences = 0
        except OSError:  # no answer in time, or nobody who would have it
            silences += 1
            if silences == _SILENCES:
                return True
        await asyncio.sleep(_PAUSE)
    return False


@cache
def _sources() -> dict[str, str]:
    return {name: (_FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in _MODULES}
