"""The resources of the stand-in provider: the real ones, but for what would touch machines.

Machines are loopback addresses; STAND_IN_PORT and STAND_IN_HOST_KEY say where SSH answers. Versions that start with 9
are not accepted, and none is while the file STAND_IN_WAITS says "refused". A resource whose type is named in that file
is not made for as long as the file is there; the same name with ``.begun`` at its end shows that one waits, and with
``.secrets`` which secrets the last rollout had, and which it would have rolled back to.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from soop_components.machines.cloud_init.resource import BootstrapResource
from soop_components.machines.host.resource import HostResource
from soop_components.machines.libvirt.subnet import SubnetResource
from soop_components.machines.local.resources import DiskResource, MachineResource
from soop_components.provider.generated_secret import GeneratedSecretResource
from soop_components.provider.key import KeyResource
from soop_components.provider.release import ReleaseResource
from soop_components.provider.release_group import ReleaseGroupResource
from soop_components.provider.resource import Context, Created, Resource
from soop_components.provider.wire import Properties
from soop_components.release.verdict import ReleaseFailed
from tests.native import FOLDER
from tests.native.cloud import Cloud
from tests.rented import KIND

GATE = Path(os.environ["STAND_IN_WAITS"])


async def wait_at_gate(kind: str) -> None:
    """Wait while the test wants this kind of resource to wait."""
    while GATE.exists() and kind in GATE.read_text():
        GATE.with_name(GATE.name + ".begun").touch()
        await asyncio.sleep(0.02)


class Asis:
    """Reads find what is recorded, deletions do nothing."""

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        return outputs

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Nothing is there."""


class StandInMachine(Asis, MachineResource):
    def check(self, inputs: Properties) -> dict[str, str]:
        """Need no base image."""
        return {}

    async def create(self, context: Context, wanted: Properties) -> Created:
        await wait_at_gate("Machine")
        port, host_key = int(os.environ.get("STAND_IN_PORT", "22")), os.environ.get("STAND_IN_HOST_KEY", "")
        place = {"address": "127.0.0.1", "port": port, "user": "root", "hostKey": host_key}
        return Created(context.name, {**wanted, "place": place, "running": True})

    async def update(self, context: Context, id: str, inputs: Any, outputs: Any, wanted: Properties) -> Properties:
        return {**outputs, **wanted}


class StandInDisk(Asis, DiskResource):
    async def create(self, context: Context, wanted: Properties) -> Created:
        return Created(context.name, dict(wanted))


class StandInHost(Asis, HostResource):
    async def create(self, context: Context, wanted: Properties) -> Created:
        await wait_at_gate("Host")
        self._note("create", context)
        first = wanted["spec"]["hosts"][0]
        place = {"address": first["address"], "port": 22, "user": "root", "hostKey": first["hostKey"]}
        return Created(context.name, {**wanted, "place": place, "host": first["name"]})

    async def update(self, context: Context, id: str, inputs: Any, outputs: Any, wanted: Properties) -> Properties:
        return {**outputs, **wanted}

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        self._note("delete", context)

    def _note(self, verb: str, context: Context) -> None:
        """Let it be seen among the calls to the provider of the machine."""
        if FOLDER in os.environ:
            cloud = Cloud(Path(os.environ[FOLDER]))
            with cloud.alone():
                cloud.note(verb, self.kind, context.name, {})


class StandInRelease(Asis, ReleaseResource):
    def __init__(self) -> None:
        """Need no runner."""

    async def _roll_out(self, context: Context, release: Any, previous: Any) -> None:
        await wait_at_gate("Release")
        secrets = [release.secrets, previous.secrets if previous else None]
        GATE.with_name(GATE.name + ".secrets").write_text(json.dumps(secrets))
        if release.reference.version.startswith("9") or (GATE.exists() and "refused" in GATE.read_text()):
            if release.reference.service == "gateway-service":
                await asyncio.sleep(2)  # as long as health checks take: what was begun beside it ends meanwhile
            raise ReleaseFailed(f"{release.reference} does not start", rolled_back=previous is not None)

    async def _look_at_all(self, context: Context, release: Any) -> dict[str, dict[str, Any]]:
        return {}


class StandInGroup(ReleaseGroupResource):
    def __init__(self) -> None:
        """Need no runner."""

    async def _roll_out(self, context: Context, attempts: Any) -> None:
        for release, _ in attempts:
            if release.reference.version.startswith("9"):
                raise ReleaseFailed(f"{release.reference} does not start")


def all_resources() -> list[Resource]:
    """Return one of each type."""
    local = (StandInDisk(), StandInMachine())
    hosts = (BootstrapResource(), StandInHost(), SubnetResource())
    return [
        KeyResource(),
        GeneratedSecretResource(),
        *local,
        *hosts,
        *KIND.resources(),
        StandInGroup(),
        StandInRelease(),
    ]
