"""Virtual machines of libvirt as a program declares them: Pulumi's own resources."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
import pulumi_libvirt as libvirt

from soop_components.machines import REPLACE, DomainContext, Infrastructure
from soop_components.machines.cloud_init.declaration import Bootstrap
from soop_components.machines.host import firewall
from soop_components.machines.host.declaration import FIRST_START, Host, made_for_node
from soop_components.machines.libvirt.addresses import mac_of, network_of
from soop_components.machines.libvirt.declaration import Subnet
from soop_components.machines.libvirt.domain_xml import STYLESHEET, Source, stylesheet
from soop_components.machines.libvirt.images import volume_name
from soop_components.machines.libvirt.seed import meta_data, network_config
from soop_components.machines.libvirt.settings import LibvirtEnvironment
from soop_components.machines.libvirt.volumes import Volumes, large_enough
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan, ServicePlan
from soop_components.model.size import bytes_of, size_text

_MIB = 2**20
_SERIAL = "soop-data"
_DEVICE = f"/dev/disk/by-id/virtio-{_SERIAL}"
"""Device that a machine shows for its node's disk."""
_CONSOLES = [{"type": "pty", "target_type": "serial", "target_port": "0"}]
"""Kernels of cloud images write to one at their start."""
_CPU = {"kvm": {"mode": "host-passthrough"}, "qemu": None}
_PATIENCE = {"kvm": FIRST_START, "qemu": 1800}
"""Seconds until a machine answers that has been made a moment ago: emulated processors are slow."""
_FORM = hashlib.sha256(repr((STYLESHEET, _CONSOLES, _CPU)).encode()).hexdigest()[:8]
"""Changes when all machines are described in another way."""


class LibvirtInfrastructure(Infrastructure):
    """The machines of one domain."""

    def __init__(self, context: DomainContext) -> None:
        super().__init__(context)
        self._environment = cast(LibvirtEnvironment, context.environment)
        self._settings = self._environment.libvirt
        options = pulumi.ResourceOptions(parent=context.parent)
        self._provider = libvirt.Provider(context.domain, uri=self._settings.uri, opts=options)

    def prepare(self, services: Sequence[ServicePlan]) -> None:
        """Declare the domain's network, and the addresses of its nodes in it."""
        nodes = [node for service in services for node in service.nodes]
        wanted, options = self._settings.network, pulumi.ResourceOptions(parent=self.context.parent)
        self._subnet = Subnet(self.context.domain, network_of(self.context.domain, wanted), nodes, options)
        self._network = libvirt.Network(
            self.context.domain,
            name=self.context.domain,
            mode=wanted.mode,
            addresses=[self._subnet.network],
            dhcp={"enabled": False},
            dns={"enabled": True},
            autostart=True,
            # Another network would leave the machines without theirs.
            opts=self._options(self.context.parent, ignore_changes=["mode", "addresses", "dhcp"]),
        )
        self._volumes = Volumes(self.context.domain, self._settings, self._network, self._provider, self.context.parent)

    def declare(self, node: NodePlan, image: str, parent: pulumi.Resource) -> pulumi.Output[Mapping[str, Any]]:
        """Declare a machine, the disk that it starts from, what it is told there, and the disk that outlives it.

        All but the last are one: what needs another machine for libvirt gives the node another system, too, and the
        machine that there was is shut down before.
        """
        options = pulumi.ResourceOptions(parent=parent)
        anew = node.name in os.environ.get(REPLACE, "").split()
        made_of = self._made_of(node, image)
        bootstrap = Bootstrap(node.name, made_of, self.context.authorized_key, options, anew=anew)
        machine = bootstrap.hostKey.apply(lambda key: hashlib.sha256(key.encode()).hexdigest()[:12])
        address = self._subnet.addresses.apply(lambda found: found[node.name])
        seed = self._declare_seed(node, machine, address, bootstrap, parent)
        root = self._volumes.root(node.name, machine, image, parent)
        disk = self._volumes.disk(node.name, node.disk, parent) if node.disk else None
        domain = self._declare_domain(node, address, seed, root, disk, parent)
        spec = made_for_node(
            node,
            self._environment.sizes[node.size],
            image,
            # With an output of the machine, which is so shut down before libvirt deletes it: that is to switch it off.
            address=pulumi.Output.all(address, domain.id).apply(lambda known: known[0]),
            host_key=bootstrap.hostKey,
            device=_DEVICE,
            machine=machine,
            authorized_key=self.context.authorized_key,
            firewall=self._firewall(node),
            patience=_PATIENCE[self._settings.type],
            kind="libvirt",
        )
        return Host(node.name, spec, self.context.private_key, options).place

    def declare_disk(self, name: str, disk: DiskDefinition, parent: pulumi.Resource) -> pulumi.Output[str]:
        """Declare a volume, which is protected whatever the environment says."""
        volume: pulumi.Output[str] = self._volumes.disk(name, disk, parent).id
        return volume

    def _made_of(self, node: NodePlan, image: str) -> str:
        """Say what a machine is made of: all that libvirt's provider needs another one for."""
        size, settings = self._environment.sizes[node.size], self._settings
        parts = [
            volume_name(image, settings.images[image]),
            f"{size.cpus} {settings.type}",
            f"{size_text(bytes_of(size.memory))} memory",
            f"{settings.root_volume}GiB root",
            *(["disk"] if node.disk else []),
        ]
        return ", ".join([*parts, _FORM])

    def _firewall(self, node: NodePlan) -> Mapping[str, Any] | None:
        """Return what a machine guards itself, in a network that everybody reaches; behind NAT libvirt's rules do."""
        wanted = self._settings.network
        if wanted.mode == "nat":
            return None
        others = {other: [network_of(other, wanted)] for rule in node.inbound for other in rule.domains}
        return firewall.declared(self.context.domain, node.inbound, others)

    def _declare_seed(
        self,
        node: NodePlan,
        machine: pulumi.Output[str],
        address: pulumi.Output[str],
        bootstrap: Bootstrap,
        parent: pulumi.Resource,
    ) -> libvirt.CloudInitDisk:
        """Declare the disk on which cloud-init finds what a machine is told at its first start."""
        return libvirt.CloudInitDisk(
            node.name,
            name=pulumi.Output.concat(node.name, "-", machine, ".iso"),
            pool=self._settings.pool,
            user_data=bootstrap.userData,
            meta_data=machine.apply(lambda name: meta_data(node.name, name)),
            network_config=pulumi.Output.all(self._subnet.network, address).apply(lambda known: network_config(*known)),
            opts=self._options(
                parent,
                depends_on=[self._network],
                ignore_changes=["pool"],
                delete_before_replace=True,
                additional_secret_outputs=["userData"],
            ),
        )

    def _declare_domain(
        self,
        node: NodePlan,
        address: pulumi.Output[str],
        seed: libvirt.CloudInitDisk,
        root: libvirt.Volume,
        disk: libvirt.Volume | None,
        parent: pulumi.Resource,
    ) -> libvirt.Domain:
        """Declare what libvirt calls a domain: the machine itself."""
        size = self._environment.sizes[node.size]
        disks = [root.id, *([large_enough(node.name, node.disk, disk)] if node.disk and disk else [])]
        return libvirt.Domain(
            node.name,
            name=node.name,
            type=self._settings.type,
            vcpu=size.cpus,
            memory=bytes_of(size.memory) // _MIB,
            cpu=_CPU[self._settings.type],
            disks=[{"volume_id": each} for each in disks],
            cloudinit=seed.id,
            network_interfaces=[{"network_id": self._network_id(), "mac": address.apply(mac_of)}],
            consoles=_CONSOLES,
            autostart=True,
            xml={"xslt": _stylesheet(root, disk)},
            opts=self._options(parent, delete_before_replace=True),
        )

    def _network_id(self) -> pulumi.Output[str]:
        """Return the id of the domain's network, unless it is of another mode than it shall be."""
        domain, wanted = self.context.domain, self._settings.network.mode

        def checked(known: Sequence[str]) -> str:
            id, mode = known
            if mode != wanted:
                raise pulumi.RunError(
                    f"libvirt.network.mode: the network of {domain} was made with `mode: {mode}`, and stays so while "
                    f"there are machines on it: destroy {domain} first, or leave the mode as it was"
                )
            return id

        found: pulumi.Output[str] = pulumi.Output.all(self._network.id, self._network.mode).apply(checked)
        return found

    def _options(self, parent: pulumi.Resource, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=parent, provider=self._provider, **more)


def _stylesheet(root: libvirt.Volume, disk: libvirt.Volume | None) -> pulumi.Output[str]:
    """Return what names a machine's disks by their files."""
    known = [root.name, root.id, *([disk.name, disk.id] if disk else [])]

    def written(found: Sequence[str]) -> str:
        return stylesheet([Source(found[0], found[1]), *([Source(found[2], found[3], _SERIAL)] if disk else [])])

    result: pulumi.Output[str] = pulumi.Output.all(*known).apply(written)
    return result
