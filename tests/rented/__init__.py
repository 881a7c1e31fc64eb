"""Stands for a kind of machines that somebody rents out: with settings and resources of its own, without snapshots.

What is rented are files in the folder ``rented`` of a project; machines are loopback addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from soop_components.machines import DomainContext, Infrastructure, Kind, Operations
from soop_components.machines.kinds import KINDS
from soop_components.model.base import Model
from soop_components.model.environment import Environment
from soop_components.project import Project


class RentedSettings(Model):
    account: str
    patience: int = 90


class RentedEnvironment(Environment):
    rented: RentedSettings


class RentedOperations(Operations):
    kind = "rented"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def start(self, node: str) -> None:
        (self._folder / f"Server {node} stopped").unlink(missing_ok=True)

    async def stop(self, node: str) -> None:
        (self._folder / f"Server {node} stopped").touch()


class Rented(Kind):
    name = "rented"
    machine_type = "soop:index:Server"
    disk_type = "soop:index:Volume"

    def environment(self) -> type[Environment]:
        return RentedEnvironment

    def infrastructure(self, context: DomainContext) -> Infrastructure:
        from tests.rented.infrastructure import RentedInfrastructure

        return RentedInfrastructure(context)

    def operations(self, project: Project) -> Operations:
        return RentedOperations(project.root / "rented")

    def resources(self) -> Sequence[Any]:
        from tests.rented.resources import NetworkResource, ServerResource, VolumeResource

        return (NetworkResource(), ServerResource(), VolumeResource())

    def place(self, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"address": outputs["ip"], "hostKey": outputs["hostKey"]} if "ip" in outputs else {}

    def sweep(self, project: Project) -> Sequence[str]:
        lost = sorted((project.root / "rented").glob("* lost"))
        for path in lost:
            path.unlink()
        return [path.name for path in lost]


KIND = Rented()


def register() -> None:
    """Make the kind known in this process."""
    KINDS["rented"] = "tests.rented"
