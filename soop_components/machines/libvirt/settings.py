"""What an environment says of virtual machines of libvirt."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import combinations
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from soop_components.machines.libvirt.addresses import PREFIX
from soop_components.model.base import Model
from soop_components.model.environment import Environment
from soop_components.model.names import DomainId
from soop_components.model.problem import Problem
from soop_components.model.service import MOST

HERE = "qemu:///system"
_SSH_PORT = 22


def _uri(value: str) -> str:
    """Accept this host, and others whose host key is compared."""
    if value == HERE:
        return value
    parts = urlsplit(value)
    said = parse_qs(parts.query, keep_blank_values=True)
    if parts.scheme != "qemu+ssh" or not parts.hostname or parts.path != "/system":
        raise ValueError(f"expected {HERE}, or qemu+ssh://USER@HOST/system?keyfile=FILE&knownhosts=FILE")
    if parts.port not in (None, _SSH_PORT):
        raise ValueError(f"libvirt's provider reaches SSH at port {_SSH_PORT} only")
    if said.keys() & {"no_verify", "known_hosts_verify"}:
        raise ValueError("the host's key is always compared; `knownhosts=FILE` names a file that has it")
    if parts.password is not None or "ssh-password" in ",".join(said.get("sshauth", [])):
        raise ValueError("expected no password, which anybody could read here; `keyfile=FILE` names a private key")
    return value


def _addresses(value: str) -> str:
    try:
        ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError("expected IPv4 addresses such as 10.80.0.0/16") from None
    return value


Uri = Annotated[str, AfterValidator(_uri)]
Addresses = Annotated[str, AfterValidator(_addresses)]
PoolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]


class VmImage(Model):
    """A disk image with Debian and cloud-init, on the computer that deploys."""

    file: Annotated[str, Field(min_length=1, max_length=4096)]
    """Where it is, from the project's folder: ``images/debian-12-genericcloud-amd64.qcow2``."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Its SHA-256. Another image replaces all nodes that are made from it; their disks stay."""


class LibvirtNetwork(Model):
    """Where the networks of domains get their addresses from."""

    addresses: Addresses
    """Addresses of all domains together, ``10.80.0.0/16``; each domain gets 256 of them, by its name."""
    mode: Literal["nat", "route"] = "nat"
    """Whether libvirt's host alone reaches nodes (``nat``), or who has a route to it and may (``route``)."""
    domains: Annotated[dict[DomainId, Addresses], Field(max_length=MOST)] = Field(default_factory=dict)
    """Addresses of single domains instead, where names lead to the same ones."""


class LibvirtSettings(Model):
    """Where virtual machines run, and what they are made of."""

    uri: Uri = HERE
    """libvirt's host: the computer that deploys, or ``qemu+ssh://USER@HOST/system?keyfile=FILE&knownhosts=FILE``."""
    pool: PoolName = "default"
    """Storage pool there, a folder, which must exist; what was made stays in the pool in which it was made."""
    type: Literal["kvm", "qemu"] = "kvm"
    """Whether processors are the host's own (``kvm``) or emulated (``qemu``), which is slow and needs nothing."""
    network: LibvirtNetwork
    """Where the networks of domains get their addresses from."""
    images: Annotated[dict[str, VmImage], Field(min_length=1, max_length=MOST)]
    """Image of each base, ``debian-12: {file: …, sha256: …}``."""
    root_volume: Annotated[int, Field(ge=3, le=16384)] = 16
    """Size in GiB of the disk that a machine starts from, which goes with it."""


class LibvirtEnvironment(Environment):
    """An environment of virtual machines of libvirt."""

    libvirt: LibvirtSettings
    """Virtual machines of libvirt."""


def settings_problems(environment: LibvirtEnvironment) -> Iterator[Problem]:
    """Yield what does not fit together in an environment."""
    settings = environment.libvirt
    network = ("libvirt", "network")
    if _prefix(settings.network.addresses) > PREFIX:
        text = f"has fewer addresses than a domain gets; expected a network such as 10.80.0.0/16, at least a /{PREFIX}"
        yield Problem((*network, "addresses"), text)
    for domain, addresses in settings.network.domains.items():
        if not 16 <= _prefix(addresses) <= 28:
            yield Problem((*network, "domains", domain), "expected a network from /16 to /28")
    for (one, of_one), (other, of_other) in combinations(settings.network.domains.items(), 2):
        if ipaddress.IPv4Network(of_one).overlaps(ipaddress.IPv4Network(of_other)):
            yield Problem((*network, "domains", other), f"has addresses of {one}, too")
    if settings.uri != HERE and settings.network.mode == "nat":
        text = "nodes behind NAT are reached from libvirt's host alone: say `mode: route`, or deploy from that host"
        yield Problem((*network, "mode"), text)
    if environment.accessibility.public and settings.network.mode == "nat":
        text = "nodes behind NAT have no public endpoints: say `mode: route` in libvirt.network, or remove it"
        yield Problem(("accessibility", "public"), text)
    if environment.reliability.spread:
        text = "virtual machines are all on one host of libvirt, and cannot be spread over anything; remove it"
        yield Problem(("reliability", "spread"), text)


def _prefix(addresses: str) -> int:
    return ipaddress.IPv4Network(addresses).prefixlen
