"""libvirt itself, by ``virsh``: what its provider would ask of it for each type of resource."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tests.native.behaviour import RefusedError


def virsh(*words: str) -> str:
    """Run a command of ``virsh`` and return what it says; what libvirt refuses is refused."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    argv = [*sudo, "virsh", "--quiet", "--connect", "qemu:///system", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(f"virsh {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def exists(*words: str) -> bool:
    """Return whether libvirt knows what a command asks about."""
    try:
        virsh(*words)
    except RefusedError:
        return False
    return True


def make_network(inputs: Mapping[str, Any]) -> str:
    """Make a network and return its id."""
    network = IPv4Network(inputs["addresses"][0])
    name = inputs["name"]
    if exists("net-uuid", name):
        raise RefusedError(f"network '{name}' already exists")
    _define(
        "net-define",
        f"<network><name>{escape(name)}</name><forward mode='{inputs['mode']}'/><dns enable='yes'/>"
        f"<ip address='{network[1]}' netmask='{network.netmask}'/></network>",
    )
    virsh("net-start", name)
    return virsh("net-uuid", name)


def make_volume(inputs: Mapping[str, Any]) -> str:
    """Make a volume, or take the one that is there; return its path."""
    pool, name = inputs["pool"], inputs["name"]
    if exists("vol-path", "--pool", pool, name):
        return virsh("vol-path", "--pool", pool, name)
    source = Path(inputs["source"]) if "source" in inputs else None
    size = source.stat().st_size if source else int(inputs["size"])
    below = (
        ["--backing-vol", inputs["baseVolumeId"], "--backing-vol-format", "qcow2"] if "baseVolumeId" in inputs else []
    )
    virsh("vol-create-as", pool, name, f"{size}B", "--format", inputs.get("format", "qcow2"), *below)
    if source:
        virsh("vol-upload", "--pool", pool, name, str(source))
        virsh("pool-refresh", pool)
    return virsh("vol-path", "--pool", pool, name)


def make_seed(inputs: Mapping[str, Any]) -> str:
    """Make the disk that cloud-init reads; return its path."""
    if exists("vol-path", "--pool", inputs["pool"], inputs["name"]):
        raise RefusedError(f"storage volume '{inputs['name']}' exists already")
    with TemporaryDirectory(prefix="seed-") as folder:
        files = {"user-data": "userData", "meta-data": "metaData", "network-config": "networkConfig"}
        for file, key in files.items():
            Path(folder, file).write_text(inputs[key])
        image = Path(folder, "seed.iso")
        paths = [str(Path(folder, file)) for file in files]
        argv = ["genisoimage", "-quiet", "-output", str(image), "-volid", "cidata", "-joliet", "-rock", *paths]
        subprocess.run(argv, check=True)
        return make_volume({"pool": inputs["pool"], "name": inputs["name"], "source": str(image), "format": "raw"})


def make_machine(inputs: Mapping[str, Any]) -> str:
    """Start a machine and return its id."""
    with TemporaryDirectory(prefix="machine-") as folder:
        described, style = Path(folder, "machine.xml"), Path(folder, "style.xsl")
        described.write_text(_machine(inputs))
        style.write_text(inputs["xml"]["xslt"])
        argv = ["xsltproc", str(style), str(described)]
        _define("define", subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    virsh("start", inputs["name"])
    return virsh("domuuid", inputs["name"])


def define_bare(name: str, disk: str) -> None:
    """Describe a machine that has a disk and nothing to start from."""
    _define(
        "define",
        f"<domain type='qemu'><name>{escape(name)}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>"
        "<os><type>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
        f"<source file={quoteattr(disk)}/><target dev='vdb' bus='virtio'/></disk></devices></domain>",
    )


def remove_machine(id: str) -> None:
    """Switch a machine off, as libvirt's provider does, and forget it; the absent is fine."""
    if exists("domname", id):
        if virsh("domstate", id) != "shut off" and not exists("destroy", id) and virsh("domstate", id) != "shut off":
            raise RefusedError(f"the machine {id} runs on")
        virsh("undefine", id)


def remove_network(id: str) -> None:
    """Remove a network; the absent is fine."""
    if exists("net-name", id):
        virsh("net-destroy", id)
        virsh("net-undefine", id)


def remove_volume(path: str) -> None:
    """Remove a volume; the absent is fine."""
    if exists("vol-name", path):
        virsh("vol-delete", path)


def _machine(inputs: Mapping[str, Any]) -> str:
    """Return how libvirt's provider describes a machine."""
    disks = [_disk(each["volumeId"], f"vd{'abcdef'[number]}") for number, each in enumerate(inputs["disks"])]
    seed = quoteattr(inputs["cloudinit"].split(";")[0])
    cards = [
        f"<interface type='network'><source network={quoteattr(virsh('net-name', each['networkId']))}/>"
        f"<mac address='{each['mac']}'/><model type='virtio'/></interface>"
        for each in inputs["networkInterfaces"]
    ]
    return (
        f"<domain type='{inputs['type']}'><name>{escape(inputs['name'])}</name>"
        f"<memory unit='MiB'>{int(inputs['memory'])}</memory><vcpu>{int(inputs['vcpu'])}</vcpu>"
        "<os><type>hvm</type><boot dev='hd'/></os><features><acpi/><apic/></features><devices>"
        f"{''.join(disks)}<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file={seed}/>"
        f"<target dev='hdd' bus='ide'/><readonly/></disk>{''.join(cards)}"
        f"<serial type='pty'>{_log(inputs['name'])}<target port='0'/></serial>"
        "<console type='pty'><target type='serial' port='0'/></console>"
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices></domain>"
    )


def _log(name: str) -> str:
    """Keep what a machine writes to its console, for a test that fails."""
    return f"<log file={quoteattr(f'/var/log/libvirt/qemu/{name}.console')} append='on'/>"


def _disk(path: str, device: str) -> str:
    """Describe a disk by its volume; nothing has to survive a power cut of the computer that tests."""
    return (
        f"<disk type='volume' device='disk'><driver name='qemu' type='qcow2' cache='unsafe'/>"
        f"<source pool={quoteattr(virsh('vol-pool', path))} volume={quoteattr(virsh('vol-name', path))}/>"
        f"<target dev='{device}' bus='virtio'/></disk>"
    )


def _define(verb: str, described: str) -> None:
    with TemporaryDirectory(prefix="described-") as folder:
        path = Path(folder, "it.xml")
        path.write_text(described)
        virsh(verb, str(path))


REMOVERS: Sequence[tuple[str, Any]] = (
    ("Domain", remove_machine),
    ("Network", remove_network),
    ("Volume", remove_volume),
    ("CloudInitDisk", lambda id: remove_volume(id.split(";")[0])),
)


def capacity(path: str) -> int:
    """Return the size of a volume as machines see it."""
    described = virsh("vol-dumpxml", path)
    return int(described.split("<capacity unit='bytes'>")[1].split("<")[0])
