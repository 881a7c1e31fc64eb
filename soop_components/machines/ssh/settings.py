"""What an environment's file says of existing hosts."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from soop_components.model.base import Model
from soop_components.model.environment import Environment
from soop_components.model.names import DomainId, SizeName, environment_of
from soop_components.model.problem import Problem, got
from soop_components.model.service import MOST

_KEY_TYPE = "ssh-ed25519"
_KEY_HEAD = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00 "
_KEY_LENGTH = len(_KEY_HEAD) + 32
_DEVICE = re.compile(r"/dev/[0-9A-Za-z/._:+-]+")
_NAME = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.:-]{0,251}[0-9A-Za-z])?")


def _host_key(value: str) -> str:
    words = value.split()
    try:
        blob = base64.b64decode(words[1], validate=True) if words[:1] == [_KEY_TYPE] and len(words) > 1 else b""
    except binascii.Error:
        blob = b""
    if not blob.startswith(_KEY_HEAD) or len(blob) != _KEY_LENGTH:
        raise ValueError(
            f"expected the host's public key, `{_KEY_TYPE} AAAA…`, the first two words of "
            "/etc/ssh/ssh_host_ed25519_key.pub there; `soop host-key ADDRESS` prints what a host shows"
        )
    return " ".join(words[:2])


def _address(value: str) -> str:
    try:
        if "%" in value:
            raise ValueError  # a zone of IPv6 is a matter of one computer
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(
            "expected an address such as 192.0.2.10, no name: other nodes find the host by it, and are let in by theirs"
        ) from None


def _name_or_address(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("expected a name or an address such as 192.0.2.10")
    return value


def _device(value: str) -> str:
    if not _DEVICE.fullmatch(value):
        raise ValueError("expected a device that keeps its name, such as /dev/disk/by-id/nvme-…")
    return value


HostKeyLine = Annotated[str, AfterValidator(_host_key)]
Address = Annotated[str, AfterValidator(_address)]
NameOrAddress = Annotated[str, AfterValidator(_name_or_address)]
Device = Annotated[str, AfterValidator(_device)]
HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$", max_length=60)]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]*$", max_length=32)]


class ExistingHost(Model):
    """A machine that is there, for one node."""

    address: Address
    """IP address at which it is reached, by other nodes too, and from which it reaches them."""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    """Port of its SSH server."""
    user: UserName = "root"
    """Who logs in; everybody but root needs sudo without a password."""
    host_key: HostKeyLine
    """The public key that proves that it is this host, ``ssh-ed25519 AAAA…``, put here by who has compared it."""
    zone: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)] | None = None
    """Where it stands; nodes of a role are spread over zones by ``reliability: {spread: availability_zone}``."""
    disks: dict[str, Device] = Field(default_factory=dict)
    """Devices by where nodes want their disks mounted; without one, data lies in a folder of the host."""
    sizes: Annotated[tuple[SizeName, ...], Field(strict=False)] = ()
    """Sizes of the nodes that it may be; every one if none is given."""
    domain: DomainId | None = None
    """The only domain that it is for, which gets no other hosts; others let its nodes in by `soop:accessibility`."""


class JumpHost(Model):
    """A host through which others are reached; it is no node, and nothing on it is changed."""

    address: NameOrAddress
    """Where it is reached."""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    """Port of its SSH server."""
    user: UserName
    """Who logs in, always by the keys of whoever runs soop: of the SSH agent, which is not forwarded, or in ~/.ssh."""
    host_key: HostKeyLine
    """The public key that proves that it is this host, ``ssh-ed25519 AAAA…``."""


def place_of(host: ExistingHost | JumpHost) -> dict[str, Any]:
    """Return where a host is, as a place says it."""
    return {"address": host.address, "port": host.port, "user": host.user, "hostKey": host.host_key}


class SshSettings(Model):
    """The hosts of an environment."""

    jump: JumpHost | None = None
    """The host through which all of them are reached; directly if none is given."""

    hosts: Annotated[dict[HostName, ExistingHost], Field(min_length=1, max_length=MOST)]
    """The hosts by names of yours; nodes take them in this order."""

    def of(self, domain: str) -> Mapping[str, ExistingHost]:
        """Return the hosts that nodes of a domain may be on: those that are for it, else those that are for nobody."""
        own = {name: host for name, host in self.hosts.items() if host.domain == domain}
        return own or {name: host for name, host in self.hosts.items() if host.domain is None}


class SshEnvironment(Environment):
    """An environment of existing hosts."""

    ssh: SshSettings
    """Existing hosts, of ``machines: ssh``."""


def settings_problems(environment: SshEnvironment) -> list[Problem]:
    """Return sizes that the environment does not know, hosts that are listed twice, and zones that are missing."""
    problems: list[Problem] = []
    listed: dict[tuple[str, int], str] = {}
    jump = environment.ssh.jump
    for name, host in environment.ssh.hosts.items():
        keys = ("ssh", "hosts", name)
        unknown = [size for size in host.sizes if size not in environment.sizes]
        problems += [Problem.unknown((*keys, "sizes"), "size", size, environment.sizes) for size in unknown]
        if host.domain and environment_of(host.domain) != environment.name:
            problems.append(Problem((*keys, "domain"), f"expected a domain of {environment.name} {got(host.domain)}"))
        other = listed.setdefault((host.address, host.port), name)
        if other != name:
            problems.append(Problem((*keys, "address"), f"is that of {other}, too: a host is one node"))
        if jump and (jump.address, jump.port) == (host.address, host.port):
            text = "is that of ssh.jump, too: the host through which others are reached is no node"
            problems.append(Problem((*keys, "address"), text))
    return [*problems, *_spread_problems(environment)] if environment.reliability.spread else problems


def _spread_problems(environment: SshEnvironment) -> Iterator[Problem]:
    zones: dict[str | None, set[str | None]] = {}
    for host in environment.ssh.hosts.values():
        zones.setdefault(host.domain, set()).add(host.zone)
    for domain, found in zones.items():
        if len(found) < 2 or None in found:
            whose = f" of {domain}" if domain else ""
            text = f"needs hosts{whose} in two zones at least, and the zone of each (ssh.hosts.<name>.zone)"
            yield Problem(("reliability", "spread"), text)


def admission_problem(environment: SshEnvironment, other: str) -> str | None:
    """Say that nobody knows which hosts nodes of another domain are on; None if the inventory does."""
    if any(host.domain == other for host in environment.ssh.hosts.values()):
        return None
    return (
        f"environment {environment.name} does not say which hosts are those of {other}: say `domain: {other}` "
        "at hosts in ssh.hosts, which are its only ones then"
    )
