"""Smoke tests: HTTP from the deployer, scripts on nodes; the service is ready when all of them pass."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from soop_components.errors import SoopError
from soop_components.model.plan import HttpSmoke, ScriptSmoke, SmokeTestPlan
from soop_components.release.cancellation import Cancellation
from soop_components.release.http_check import ask, with_secrets
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.wording import SHOWN_LINES, ended_in_words, without_secrets
from soop_components.transport.ssh import reachable
from soop_components.waiting import wait_for_all, wait_until

_PAUSE = 0.5
"""Seconds between attempts."""


class SmokeTestFailed(SoopError):
    """A smoke test did not pass in its time."""


class SmokeTests:
    """The smoke tests of one release against its nodes."""

    def __init__(self, wanted: ReleaseInputs, nodes: Mapping[str, Node], cancellation: Cancellation) -> None:
        self._wanted = wanted
        self._nodes = nodes
        self._cancellation = cancellation

    async def run(self, nodes: Collection[str], tests: Collection[str] = ()) -> None:
        """Run one after the other, those of these names or all, as far as they try some of these nodes.

        Raises ``SmokeTestFailed`` with what was expected and what came back.
        """
        for test in self._wanted.smoke_tests:
            tried = test.tried(nodes) if not tests or test.name in tests else ()
            self._cancellation.check()
            if test.http is not None:
                request = with_secrets(test.http, self._wanted.secrets)
                asking = wait_for_all(self._until_right(test, request, node) for node in tried)
                await self._cancellation.unless_requested(asking)
            if test.script is not None:
                script = test.script
                await wait_for_all(self._run_script(test, script, node) for node in tried)

    async def _until_right(self, test: SmokeTestPlan, request: HttpSmoke, node: str) -> None:
        wrong: str | None = None

        async def is_right() -> bool:
            nonlocal wrong
            wrong = await asyncio.to_thread(ask, request, node, *where)
            return wrong is None

        async with reachable(self._wanted.nodes[node].target, request.port, self._wanted.nodes[node].patience) as where:
            passed = await wait_until(is_right, test.timeout, _PAUSE)
        if not passed:
            url = f"{request.scheme}://{node}:{request.port}{request.path}"
            said = without_secrets(f"{request.method} {url}: {wrong}", self._wanted.secrets.values())
            raise SmokeTestFailed("\n".join([f"smoke test '{test.name}': {said}", *await self._logs(node)]))

    async def _logs(self, node: str) -> list[str]:
        """Return the end of what a node's service said, as far as the node still answers."""
        try:
            said = await self._nodes[node].logs(self._wanted.secrets)
        except SoopError as error:
            said = f"its logs cannot be read: {error.message}"
        return [f"  | {line}" for line in said.splitlines()[-SHOWN_LINES:]]

    async def _run_script(self, test: SmokeTestPlan, script: ScriptSmoke, name: str) -> None:
        node, place = self._nodes[name], self._wanted.nodes[name]
        await node.progress.show(f"smoke test {test.name}")
        which = {"SOOP_NODE": name, "SOOP_ROLE": place.role, "SOOP_NODE_NUMBER": str(place.number)}
        secrets = {key: self._wanted.secrets[key] for key in script.secrets}
        environment = {**script.environment, **which}
        result = await node.script(script.blob, script.source, environment, test.timeout, secrets=secrets)
        if result.exit_code == 0:
            return
        message = f"smoke test '{test.name}' on {name}: {ended_in_words(script.source, result)}"
        raise SmokeTestFailed("\n".join([message, *await self._logs(name)]))
