"""The runner on a node, waiting at the other end of a connection for one request after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar, cast

from soop_components.errors import SoopError, printable, shortened
from soop_components.release.runner_archive import SUMS, RunnerArchive
from soop_components.runner import protocol, wire
from soop_components.runner.typed_json import Malformed
from soop_components.transport.process import ConnectionLost, Process
from soop_components.transport.ssh import Connection

_RUNNER_MISSING: Final = 99
_COMPILED: Final = "compiled"
"""The list of digests of what the node has compiled."""
_NO_PYTHON: Final = 127
"""The exit code of a shell for a command that it does not find."""
_SURE: Final = 1.0
"""Seconds after its last answer for which a node counts as there without a ping."""
_PATIENCE: Final = 3.0
"""Seconds that a node has to answer a ping."""
_SILENCE: Final = 300.0
"""Seconds without a word from a runner that was asked something; one that is at an apply says more often that it is."""
_QUICK: Final = 600.0
"""Seconds that an answer takes at most, unless it comes from something that may take longer."""
_LASTING: Final = 4 * 3600.0
"""Seconds that an apply or a rollback takes at most, besides the time that the plan gives its scripts and checks."""
_ANSWER_AT_MOST: Final = 16 << 20
"""Bytes that a runner writes at most until a request is answered."""
_TEXT_AT_MOST: Final = 8000
"""Characters of one text in an answer that are shown."""

_A = TypeVar("_A", bound=tuple[Any, ...])
_T = TypeVar("_T")
Stream = Callable[[], AsyncIterator[bytes]]
"""What follows a request; can be begun again."""
Show = Callable[[str], Awaitable[None]]


class Session:
    """One connection and, once something was asked, the runner's process; one request is answered at a time."""

    def __init__(self, connection: Connection, archive: RunnerArchive) -> None:
        self._connection = connection
        self._archive = archive
        self._name = connection.target.name
        self._process: Process | None = None
        self._lock = asyncio.Lock()
        self._heard = time.monotonic()
        self.is_open = True
        """Whether the connection was there when it was used last."""

    def abort(self) -> None:
        """Drop the connection at once, and with it the process."""
        self.is_open = False
        self._end()
        self._connection.abort()

    async def is_there(self) -> bool:
        """Return whether the node is still at the other end; one that was restarted or cut off meanwhile is not."""
        if not self.is_open or self._lock.locked() or time.monotonic() - self._heard < _SURE:
            return self.is_open
        try:
            async with asyncio.timeout(_PATIENCE):
                await self.ask(protocol.Ping(), protocol.Done, _to_nobody)  # starts a runner that has ended
        except (SoopError, TimeoutError):
            return False
        return True

    async def ask(
        self, request: protocol.Request, answer: type[_A], show: Show, content: Stream | None = None
    ) -> _A | protocol.Failed | protocol.UnknownVerb:
        """Return the answer to a request; the runner is installed on the node if it is not there.

        A runner that ends without an answer has failed, too. The connection is lost after every exception.
        """
        async with self._lock:
            try:
                got = await self._attempt(request, answer, show, content)
                if got is None:
                    await self._install()
                    got = await self._attempt(request, answer, show, content)
            except (Malformed, RecursionError) as error:
                self.abort()
                message = f"the runner's answer to `{wire.verb_of(request)}` cannot be read: {_harmless(str(error))}"
                raise SoopError(f"{self._name}: {message}") from error
            except BaseException:  # also when cancelled: nobody will read the answer that is under way
                self.abort()
                raise
        if got is None:
            raise SoopError(f"{self._name}: the runner could not be installed", "is /var/lib/soop writable there?")
        return got

    async def run_beside(self, command: str) -> None:
        """Run a short command while the runner may be answering something, whatever comes of it."""
        process = await self._connection.start(command)
        try:
            await self._soon(process.wait())
        finally:
            process.close()

    async def _attempt(
        self, request: protocol.Request, answer: type[_A], show: Show, content: Stream | None
    ) -> _A | protocol.Failed | protocol.UnknownVerb | None:
        """Ask once; ``None`` says that the runner is not on the node yet."""
        process = await self._soon(self._begun())
        try:
            await self._soon(process.send(wire.request_line(request)))
            if content is not None:
                async for chunk in content():
                    await self._soon(process.send(chunk))
        except ConnectionLost:  # the runner may have ended before it read everything; its words decide
            pass
        event = await self._soon(self._follow(process, request, answer, show), *_longest(request))
        if event is not None:
            self._heard = time.monotonic()
            if isinstance(event, protocol.Failed | protocol.UnknownVerb):
                self._end()  # the runner ends, since input may be left unread
            return event
        errors = (await self._soon(process.read_errors())).decode(errors="replace")
        code = await self._soon(process.wait())
        self._end()
        if code == _RUNNER_MISSING:
            return None
        if code == _NO_PYTHON:
            raise self._without_python()
        message = f"the runner ended without an answer to `{wire.verb_of(request)}`"
        return protocol.Failed(None, message, exit_code=code, stderr_tail=errors)

    async def _follow(
        self, process: Process, request: protocol.Request, answer: type[_A], show: Show
    ) -> _A | protocol.Failed | protocol.UnknownVerb | None:
        """Return the answer out of what the runner writes, made harmless; ``None`` if it ends without one."""
        silence = _SILENCE + (request.timeout if isinstance(request, protocol.Script) else 0)
        left = _ANSWER_AT_MOST
        while line := await self._soon(process.line(left), silence):
            left -= len(line)
            await asyncio.sleep(0)  # one that says much must not keep others waiting
            event = wire.read_event(line, answer)
            if isinstance(event, protocol.Progress):
                if event.message:  # without, it only says that the runner is at work
                    await show(_harmless(event.message))
            elif event is not None:
                return _harmless(event)
        return None

    async def _soon(
        self, work: Awaitable[_T], seconds: float = 0, wrong: str = "the runner says nothing for {} seconds"
    ) -> _T:
        """Return the result of work that is bounded in time."""
        seconds = seconds or _SILENCE
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            raise SoopError(f"{self._name}: {wrong.format(round(seconds))}", "look at the node") from None

    async def _begun(self) -> Process:
        if self._process is None:
            path = self._archive.path_on_node
            whole = (
                f"cd {path} 2>/dev/null && echo {self._archive.digest}  {SUMS} | sha256sum --check --status "
                f"&& cat {SUMS} {_COMPILED} 2>/dev/null | sha256sum --check --status"
            )
            command = f"({whole}) || exit {_RUNNER_MISSING}; exec python3 -I -B {path} serve"
            self._process = await self._connection.start(command)
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    async def _install(self) -> None:
        path = self._archive.path_on_node
        folder = path.rsplit("/", 1)[0]
        command = (
            f"set -e; umask 077; command -v python3 >/dev/null || exit {_NO_PYTHON}; mkdir -p {folder}; "
            f"t=$(mktemp -d {folder}/.new.XXXXXX); trap 'rm -rf $t' EXIT; tar -x -C $t; cd $t; "
            f"python3 -I -m compileall -q . && find . -name '*.pyc' -exec sha256sum {{}} + >{_COMPILED}; "
            f"find . -exec sync {{}} +; rm -rf {path}; mv -T $t {path}; sync {folder}"
        )
        process = await self._soon(self._connection.start(command))
        try:
            await self._soon(process.feed(self._archive.content))
            errors, code = await self._soon(process.read_errors()), await self._soon(process.wait())
        finally:
            process.close()
        if code == _NO_PYTHON:
            raise self._without_python()
        if code != 0:
            tail = "".join(f"\n  | {line}" for line in errors.decode(errors="replace").splitlines()[-20:])
            raise SoopError(f"{self._name}: cannot install the runner{tail}")

    def _without_python(self) -> SoopError:
        return SoopError(f"{self._name}: no python3 on the node", "install Debian's package python3 on it")


def _longest(request: protocol.Request) -> tuple[float, str]:
    """Return how many seconds a request may take in all, and what is wrong with one that takes longer."""
    wrong = f"`{wire.verb_of(request)}` did not end within {{}} seconds"
    match request:
        case protocol.Apply():
            return _LASTING + 2 * _timeouts(request.document), wrong
        case protocol.Rollback() | protocol.Restart() | protocol.Follow():
            return _LASTING, wrong
        case protocol.Script():
            return _QUICK + request.timeout, wrong
    return _QUICK, wrong


def _timeouts(value: Any) -> float:
    """Return the sum of all times that a document gives."""
    if isinstance(value, list):
        return sum(map(_timeouts, value))
    if not isinstance(value, Mapping):
        return 0
    return sum(item if key == "timeout" and isinstance(item, int) else _timeouts(item) for key, item in value.items())


def _harmless(value: _T) -> _T:
    """Return an answer in which no text does anything to a terminal, or is longer than anybody reads."""
    made: Any = value
    if isinstance(value, str):
        made = printable(shortened(value, _TEXT_AT_MOST))
    elif isinstance(value, tuple):
        items = map(_harmless, value)
        made = type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return cast("_T", made)


async def _to_nobody(message: str) -> None:
    """Show nothing."""
