"""The plugin ``pulumi-resource-libvirt`` of the stand-in."""

from __future__ import annotations

from typing import Any

from tests.native.behaviour import RefusedError
from tests.native.cloud import Cloud
from tests.native.plugin import run
from tests.virtual.behaviour import BEHAVIOURS, created, refuse_deletion


class Libvirt:
    version = "0.5.4"
    behaviours = BEHAVIOURS

    def configure(self, settings: dict[str, Any]) -> None:
        if settings.get("uri") != "qemu:///system":
            raise RefusedError(f"failed to connect to {settings.get('uri')}")

    def created(self, cloud: Cloud, token: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return created(cloud, token, inputs)

    def refuse_deletion(self, cloud: Cloud, token: str, id: str) -> None:
        refuse_deletion(cloud, token, id)


if __name__ == "__main__":
    run(Libvirt())
