"""The program ``pulumi-resource-libvirt`` that drives a real libvirt."""

from __future__ import annotations

from typing import Any

from tests.native.cloud import Cloud
from tests.native.plugin import run
from tests.virtual import hypervisor
from tests.virtual.plugin import Libvirt

_REMOVERS = dict(hypervisor.REMOVERS)


class RealLibvirt(Libvirt):
    """Refuses what the recording one refuses, and makes what it is asked for."""

    def created(self, cloud: Cloud, token: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        match token.rsplit(":", 1)[1]:
            case "Network":
                return hypervisor.make_network(inputs), {**inputs, "bridge": "virbr"}
            case "Volume":
                path = hypervisor.make_volume(inputs)
                return path, {**inputs, "size": hypervisor.capacity(path)}
            case "CloudInitDisk":
                return f"{hypervisor.make_seed(inputs)};{cloud.new_id('seed')}", inputs
            case _:
                return hypervisor.make_machine(inputs), inputs

    def refuse_deletion(self, cloud: Cloud, token: str, id: str) -> None:
        super().refuse_deletion(cloud, token, id)
        _REMOVERS[token.rsplit(":", 1)[1]](id)


if __name__ == "__main__":
    run(RealLibvirt())
