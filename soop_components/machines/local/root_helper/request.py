"""Requests, and records read back from files: strictly checked, since both come from less trusted hands than root's."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .failure import Refused

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?"
NAME = re.compile(rf"(?=.{{1,200}}\Z)(?:{_LABEL}\.){{2,5}}[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
"""A node's or disk's name: labels, the last one a domain id (``web-1.access-service.dev-access``)."""
REALM = re.compile(r"[0-9a-f]{8}")
IMAGE = re.compile(r"[a-z0-9][a-z0-9.-]{0,59}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PUBLIC_KEY = re.compile(
    r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{20,2000}={0,2}(?: [ -~]{0,200})?"
)
PRIVATE_KEY = re.compile(
    r"-----BEGIN OPENSSH PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{100,4000}\n-----END OPENSSH PRIVATE KEY-----\n?"
)
LABEL = re.compile(r"[a-z0-9](?:[A-Za-z0-9.+-]{0,198}[A-Za-z0-9])?")
"""Of a snapshot."""
SNAPSHOT_COPY = re.compile(r"[0-9a-f]{16}\.ext4")
_REFERENCE = re.compile(r"[A-Za-z0-9.+-]{0,200}")
_DOMAIN = re.compile(r"[a-z][a-z0-9]{0,19}(?:-[a-z0-9]+){1,40}")
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9]{0,19}")
_MOUNT = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9._-]*){1,12}")
_FORBIDDEN_MOUNTS = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr")
_MIB = 1024**2
_TIB = 1024**4


@dataclass(frozen=True)
class Attachment:
    """A disk and where the machine sees it."""

    disk: str
    mount: str
    """Absolute path in the machine."""


@dataclass(frozen=True)
class Opening:
    """A TCP port of a machine, and the domains beside its own whose machines may connect to it."""

    port: int
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Spec:
    """What a machine must be."""

    name: str
    """The node's name, ``web-1.access-service.dev-access``."""
    image: str
    """The base image's name, ``debian-12``."""
    cpus: int
    memory: int
    """Bytes."""
    authorized_keys: tuple[str, ...]
    """Public keys that may log in as root."""
    disks: tuple[Attachment, ...]
    inbound: tuple[Opening, ...] = ()

    @property
    def environment(self) -> str:
        """The environment's name."""
        return environment_of(self.name)

    def as_json(self) -> dict[str, Any]:
        """Return the form that ``spec`` reads."""
        lists = {"authorized_keys": list(self.authorized_keys), "disks": [asdict(each) for each in self.disks]}
        openings = [{"port": each.port, "domains": list(each.domains)} for each in self.inbound]
        return asdict(self) | lists | {"inbound": openings}


@dataclass(frozen=True)
class HostKey:
    """An SSH host key pair."""

    private: str = field(repr=False)
    """OpenSSH PEM text."""
    public: str
    """One line, ``ssh-ed25519 AAAA…``."""


@dataclass(frozen=True)
class About:
    """What ran on a node when a snapshot was taken; empty where nothing did."""

    of: str
    """``access-service-3.2.3``."""
    digest: str


def domain_of(name: str) -> str:
    """Return the domain id in the name of a node or disk."""
    return name.rpartition(".")[2]


def environment_of(name: str) -> str:
    """Return the environment's name in the name of a node or disk."""
    return domain_of(name).partition("-")[0]


def mapping(value: object, keys: Collection[str], what: str) -> Mapping[str, Any]:
    """Return a JSON object that has exactly ``keys``."""
    if not isinstance(value, dict) or set(value) != set(keys):
        raise Refused(f"{what}: expected an object with {', '.join(sorted(keys)) or 'nothing'}")
    return value


def text(value: object, pattern: re.Pattern[str], what: str) -> str:
    """Return a string that is all ``pattern``."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise Refused(f"{what}: {str(value)[:100]!r} is not allowed")
    return value


def integer(value: object, low: int, high: int, what: str) -> int:
    """Return a whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refused(f"{what}: expected a whole number from {low} to {high}")
    return value


def items(value: object, most: int, what: str) -> list[Any]:
    """Return a list of bounded length."""
    if not isinstance(value, list) or len(value) > most:
        raise Refused(f"{what}: expected a list of at most {most}")
    return value


def name(value: object) -> str:
    """Return the name of a node or disk."""
    return text(value, NAME, "name")


def names(value: object) -> list[str]:
    """Return the names of nodes."""
    return [name(each) for each in items(value, 10_000, "names")]


def label(value: object) -> str:
    """Return the label of a snapshot."""
    return text(value, LABEL, "label")


def environment(value: object) -> str:
    """Return the name of an environment."""
    return text(value, _ENVIRONMENT, "environment")


def about(value: object) -> About:
    """Return what ran when a snapshot was taken."""
    given = mapping(value, ("of", "digest"), "about")
    digest = text(given["digest"], DIGEST, "digest") if given["digest"] else ""
    return About(text(given["of"], _REFERENCE, "of"), digest)


def image(value: object) -> str:
    """Return the name of a base image."""
    return text(value, IMAGE, "image")


def disk_size(value: object) -> int:
    """Return a disk's size in bytes."""
    return integer(value, 8 * _MIB, 16 * _TIB, "size")


def spec(value: object) -> Spec:
    """Return what a machine must be."""
    if isinstance(value, dict):
        value = {"inbound": [], **value}  # records of older versions say nothing of it
    given = mapping(value, ("name", "image", "cpus", "memory", "authorized_keys", "disks", "inbound"), "machine")
    disks = tuple(_attachment(each) for each in items(given["disks"], 16, "disks"))
    machine = name(given["name"])
    keys = items(given["authorized_keys"], 64, "authorized keys")
    for key in ("disk", "mount"):
        if len({getattr(each, key) for each in disks}) < len(disks):
            raise Refused(f"disks: the same {key} twice")
    if any(domain_of(each.disk) != domain_of(machine) for each in disks):
        raise Refused("disks: expected disks of the machine's own domain")
    return Spec(
        name=machine,
        image=image(given["image"]),
        cpus=integer(given["cpus"], 1, 1024, "cpus"),
        memory=integer(given["memory"], 64 * _MIB, 64 * _TIB, "memory"),
        authorized_keys=tuple(text(key, PUBLIC_KEY, "authorized key") for key in keys),
        disks=disks,
        inbound=tuple(_opening(each) for each in items(given["inbound"], 1000, "inbound")),
    )


def host_key(value: object) -> HostKey:
    """Return an SSH host key pair."""
    given = mapping(value, ("private", "public"), "host key")
    if not isinstance(given["private"], str) or PRIVATE_KEY.fullmatch(given["private"]) is None:
        raise Refused("host key: the private key is not in OpenSSH's format")
    return HostKey(private=given["private"], public=text(given["public"], PUBLIC_KEY, "host key"))


def _opening(value: object) -> Opening:
    given = mapping(value, ("port", "domains"), "inbound")
    domains = tuple(text(each, _DOMAIN, "domain") for each in items(given["domains"], 1000, "domains"))
    return Opening(integer(given["port"], 1, 65535, "port"), domains)


def _attachment(value: object) -> Attachment:
    given = mapping(value, ("disk", "mount"), "disk")
    mount = text(given["mount"], _MOUNT, "mount")
    if any(mount == path or mount.startswith(f"{path}/") for path in _FORBIDDEN_MOUNTS):
        raise Refused(f"mount: no disk goes to {mount}")
    return Attachment(disk=name(given["disk"]), mount=mount)
