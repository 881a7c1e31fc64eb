"""The custom resources of rented machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from soop_components.project import Project
from soop_components.provider.diff import differences
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import UNKNOWN, Properties


class _Rented(Resource):
    """Something that is rented as long as its file is there."""

    kind: str
    refresh_before_update = True
    found: ClassVar[Properties] = {}
    """What is known of it when it is there."""

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        return Difference(differences(inputs, wanted))

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        return {**dict.fromkeys(self.found, UNKNOWN), **outputs, **wanted}

    async def create(self, context: Context, wanted: Properties) -> Created:
        self._file(context.name).parent.mkdir(exist_ok=True)
        self._file(context.name).touch()
        return Created(context.name, {**wanted, **self.found})

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        return outputs if self._file(id).exists() else None

    async def update(self, context: Context, id: str, inputs: Any, outputs: Any, wanted: Properties) -> Properties:
        return {**outputs, **wanted}

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        self._file(id).unlink(missing_ok=True)

    def _file(self, id: str) -> Path:
        return Project.find().root / "rented" / f"{self.kind.rsplit(':', 1)[1]} {id}"


class NetworkResource(_Rented):
    kind = "soop:index:Network"


class VolumeResource(_Rented):
    kind = "soop:index:Volume"


class ServerResource(_Rented):
    kind = "soop:index:Server"
    found: ClassVar[Properties] = {"ip": "127.0.0.1", "hostKey": "ssh-ed25519 AAAA"}
