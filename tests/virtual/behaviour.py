"""How each type of resource behaves at libvirt, as the sources of its provider say."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from tests.native.behaviour import Behaviour, RefusedError
from tests.native.cloud import Cloud
from tests.virtual import POOL

NETWORK, VOLUME = "libvirt:index/network:Network", "libvirt:index/volume:Volume"
SEED, DOMAIN = "libvirt:index/cloudInitDisk:CloudInitDisk", "libvirt:index/domain:Domain"
BEHAVIOURS = {
    NETWORK: Behaviour(
        "net", frozenset({"name", "domain", "mode", "bridge", "addresses", "dhcp", "routes", "xml"}), ("bridge",)
    ),
    VOLUME: Behaviour(
        replaces=frozenset({"name", "pool", "source", "size", "format", "baseVolumeId", "xml"}), computed=("size",)
    ),
    SEED: Behaviour(replaces=frozenset({"name", "pool", "userData", "metaData", "networkConfig"})),
    DOMAIN: Behaviour(
        "dom",
        frozenset({"name", "description", "type", "vcpu", "memory", "disks", "consoles", "cpu", "graphics", "xml"}),
    ),
}


def created(cloud: Cloud, token: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the id and outputs of a new resource, or of the volume of this name that is there."""
    match token.rsplit(":", 1)[1]:
        case "Network":
            _refuse_network(cloud, inputs)
            return cloud.new_id("net"), {**inputs, "bridge": "virbr1"}
        case "Volume":
            return _volume(cloud, inputs)
        case "CloudInitDisk":
            path = f"{POOL}/{inputs['name']}"
            if any(id.startswith(f"{path};") for id in cloud.all("CloudInitDisk")):
                raise RefusedError(f"storage volume '{inputs['name']}' exists already")
            return f"{path};{cloud.new_id('seed')}", inputs
        case _:
            _refuse_domain(cloud, inputs)
            return cloud.new_id("dom"), inputs


def _refuse_network(cloud: Cloud, inputs: dict[str, Any]) -> None:
    for other in cloud.all("Network").values():
        if other["name"] == inputs["name"]:
            raise RefusedError(f"network '{inputs['name']}' already exists")
        if IPv4Network(other["addresses"][0]).overlaps(IPv4Network(inputs["addresses"][0])):
            raise RefusedError("Network is already in use by interface virbr1")


def _volume(cloud: Cloud, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "source" in inputs and "size" in inputs:
        raise RefusedError("'size' can't be specified when also 'source' is given")
    if "baseVolumeId" in inputs and cloud.get(inputs["baseVolumeId"]) is None:
        raise RefusedError(f"can't retrieve volume ID '{inputs['baseVolumeId']}'")
    id = f"{POOL}/{inputs['name']}"
    size = len(Path(inputs["source"]).read_bytes()) if "source" in inputs else inputs["size"]
    return id, cloud.get(id) or {**inputs, "size": size}


def _refuse_domain(cloud: Cloud, inputs: dict[str, Any]) -> None:
    domains = cloud.all("Domain").values()
    if any(other["name"] == inputs["name"] for other in domains):
        raise RefusedError(f"domain '{inputs['name']}' already exists")
    used = {disk["volumeId"] for other in domains for disk in other["disks"]}
    for disk in inputs["disks"]:
        if cloud.get(disk["volumeId"]) is None or disk["volumeId"] in used:
            raise RefusedError(f"can't retrieve volume {disk['volumeId']}, or another machine has it")
        if f'<source file="{disk["volumeId"]}"/>' not in inputs["xml"]["xslt"]:
            raise RefusedError(f"Could not open '{disk['volumeId']}': Permission denied (AppArmor)")
    if cloud.get(inputs["cloudinit"]) is None or cloud.get(inputs["networkInterfaces"][0]["networkId"]) is None:
        raise RefusedError("can't retrieve the cloud-init disk or the network")


def refuse_deletion(cloud: Cloud, token: str, id: str) -> None:
    """Refuse to delete what something else still needs, which libvirt itself would not."""
    domains = cloud.all("Domain").values()
    match token.rsplit(":", 1)[1]:
        case "Volume":
            used = any(disk["volumeId"] == id for each in domains for disk in each["disks"])
            if used or any(each.get("baseVolumeId") == id for each in cloud.all("Volume").values()):
                raise RefusedError(f"{id} is the disk of a machine, or below another one")
        case "CloudInitDisk":
            if any(each["cloudinit"] == id for each in domains):
                raise RefusedError(f"{id} is in a machine")
        case "Network":
            if any(each["networkInterfaces"][0]["networkId"] == id for each in domains):
                raise RefusedError(f"machines are on the network {id}")
