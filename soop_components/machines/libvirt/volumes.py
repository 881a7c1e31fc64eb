"""Volumes: images that machines are made from, disks that machines start from, and disks that outlive them.

They wait for the domain's network, whose name libvirt's host gives to nobody else: volumes that are there already are
taken as they are, and must not be those of a domain of the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_libvirt as libvirt

from soop_components.machines.libvirt.disk_copies import data_volume
from soop_components.machines.libvirt.images import volume_name
from soop_components.machines.libvirt.settings import LibvirtSettings
from soop_components.model.service import DiskDefinition
from soop_components.model.size import bytes_of, size_text
from soop_components.project import Project

_GIB = 2**30


class Volumes:
    """Those of one domain. Each stays in the pool in which it was made."""

    def __init__(
        self,
        domain: str,
        settings: LibvirtSettings,
        network: libvirt.Network,
        provider: libvirt.Provider,
        parent: pulumi.Resource,
    ) -> None:
        self._domain = domain
        self._settings = settings
        self._options = pulumi.ResourceOptions(
            parent=parent, provider=provider, depends_on=[network], ignore_changes=["pool"]
        )
        self._images: dict[str, libvirt.Volume] = {}

    def root(self, node: str, machine: pulumi.Output[str], base: str, parent: pulumi.Resource) -> libvirt.Volume:
        """Declare the disk that a machine starts from; another machine has another one."""
        return libvirt.Volume(
            f"{node}.root",
            name=pulumi.Output.concat(node, "-", machine),
            pool=self._settings.pool,
            base_volume_id=self._image(base).id,
            size=self._settings.root_volume * _GIB,
            format="qcow2",
            opts=self._with(parent=parent),
        )

    def disk(self, node: str, disk: DiskDefinition, parent: pulumi.Resource) -> libvirt.Volume:
        """Declare the disk that outlives a node's machine, protected whatever the environment says."""
        return libvirt.Volume(
            node,
            name=data_volume(node),
            pool=self._settings.pool,
            size=bytes_of(disk.size),
            format="qcow2",
            # libvirt's provider would make another one, without the data.
            opts=self._with(parent=parent, protect=True, ignore_changes=["size", "format"]),
        )

    def _image(self, base: str) -> libvirt.Volume:
        """Declare the volume with an image, on which machines of other domains are, too: it is never deleted."""
        image = self._settings.images[base]
        name = volume_name(base, image)
        if name not in self._images:
            self._images[name] = libvirt.Volume(
                f"{name}.{self._domain}",
                name=name,
                pool=self._settings.pool,
                source=str(Project.find().root / image.file),
                format="qcow2",
                opts=self._with(retain_on_delete=True, ignore_changes=["source"]),
            )
        return self._images[name]

    def _with(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(**more))


def large_enough(node: str, disk: DiskDefinition, volume: libvirt.Volume) -> pulumi.Output[str]:
    """Return the id of a node's disk, unless it is smaller than it shall be."""

    def checked(known: Sequence[Any]) -> str:
        id, size = known
        if size < bytes_of(disk.size):
            raise pulumi.RunError(
                f"the disk of {node} has {size_text(int(size))} and shall have {disk.size}, and libvirt's provider "
                f"cannot make it larger: on libvirt's host, `virsh blockresize {node} {id} {disk.size}`, then here "
                "`pulumi up --refresh`"
            )
        return str(id)

    found: pulumi.Output[str] = pulumi.Output.all(volume.id, volume.size).apply(checked)
    return found
