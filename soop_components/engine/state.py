"""What a stack's state says is deployed, out of ``pulumi stack export``.

The resources are read and not the stack's outputs: outputs are recorded only when a whole run succeeds, so after a
failed one they would hide a service that was upgraded in it, or the machines of a first deployment that somebody wants
to look into.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from soop_components.machines.kinds import kind_in, kind_of
from soop_components.model.names import DEFAULT_KIND, NodeName
from soop_components.transport.ssh import Target

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_OURS = ("soop:", "pulumi:")
_DOMAIN, _RELEASE, _KEY, _SECRET = (f"soop:index:{type}" for type in ("Domain", "Release", "Key", "Secret"))


class _Resource(BaseModel):
    urn: str
    type: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] = Field(default_factory=dict)
    protect: bool = False

    @property
    def name(self) -> str:
        return self.urn.rsplit("::", 1)[1]


class _Operation(BaseModel):
    resource: _Resource
    type: str


class _Deployment(BaseModel):
    resources: list[_Resource] = Field(default_factory=list)
    pending_operations: list[_Operation] = Field(default_factory=list)


class _Export(BaseModel):
    deployment: _Deployment | None = None


@dataclass(frozen=True)
class DeployedNode:
    """A node, and what its service's last look at it found."""

    name: str
    role: str
    target: Target
    """Where it is."""
    version: str | None = None
    healthy: bool | None = None
    """None: nobody has looked at it, since no release was accepted on it yet."""
    drift: tuple[str, ...] = ()
    note: str = ""
    """What else there is to know of it."""
    units: tuple[str, ...] = ()
    """The systemd units of the service's components on it."""
    logs: tuple[str, ...] = ()
    """The log files that these components name."""

    @property
    def address(self) -> str:
        """Where it is reached, perhaps through another host."""
        return self.target.address


@dataclass(frozen=True)
class Release:
    """A service of the domain; ``version``, ``digest`` and ``since`` are what was accepted, None if nothing was yet."""

    service: str
    version: str | None
    digest: str | None
    since: str | None
    endpoints: Mapping[str, tuple[str, ...]]
    nodes: tuple[DeployedNode, ...]
    secrets: Mapping[str, str | None] = field(default_factory=dict)
    """Those that were accepted, by key; None if the state was read without its secrets."""
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the Release was given, secrets still sealed."""
    urn: str | None = None
    """Of the Release; None if there is none yet."""


@dataclass(frozen=True)
class StackState:
    """Everything the command line wants to know of a stack."""

    releases: tuple[Release, ...] = ()
    disks: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    """Disks that refuse to be deleted."""
    pending_creates: tuple[str, ...] = ()
    """Names of resources whose creation was cut off, so that the engine does not know whether they exist."""
    unknown_elsewhere: tuple[tuple[str, str], ...] = ()
    """Types and names of those of them that providers other than ours make: nobody adopts what was made after all."""
    private_key: str | None = None
    """The deployer's key in OpenSSH's format; only in a state that was read with its secrets."""
    next_key: str | None = None
    """The one that a rotation has begun to replace it with; None if none has."""
    elsewhere: tuple[str, ...] = ()
    """Names of resources that providers other than ours made."""
    generated_secrets: Mapping[str, str] = field(default_factory=dict)
    """URNs of the resources that generate secrets, by name: ``access-service.database_password``."""
    resources: int = 0
    machines: str = DEFAULT_KIND
    """The kind of its machines."""

    @classmethod
    def parse(cls, exported: str) -> StackState:
        """Read what ``pulumi stack export`` printed."""
        deployment = _Export.model_validate_json(exported).deployment or _Deployment()
        by_type: dict[str, list[_Resource]] = {}
        for resource in deployment.resources:
            by_type.setdefault(resource.type, []).append(resource)
        kind = kind_of(kind_in(next((each.inputs for each in by_type.get(_DOMAIN, [])), {})))
        disks = [each for each in by_type.get(kind.disk_type, []) if kind.is_disk(each.type, each.name)]
        pending = [each.resource for each in deployment.pending_operations if each.type == "creating"]
        places = {each.name: kind.place(each.outputs) for each in by_type.get(kind.machine_type, [])}
        return cls(
            machines=kind.name,
            releases=_releases(by_type.get(_RELEASE, []), places),
            disks=tuple(disk.name for disk in disks),
            protected=tuple(disk.name for disk in disks if disk.protect),
            pending_creates=tuple(each.name for each in pending),
            unknown_elsewhere=tuple((each.type, each.name) for each in pending if not each.type.startswith(_OURS)),
            private_key=_of_key(by_type, "privateKey"),
            next_key=_of_key(by_type, "nextPrivateKey"),
            generated_secrets={each.name: each.urn for each in by_type.get(_SECRET, [])},
            elsewhere=tuple(each.name for each in deployment.resources if not each.type.startswith(_OURS)),
            resources=len(deployment.resources),
        )

    @property
    def nodes(self) -> tuple[DeployedNode, ...]:
        """The nodes of all services."""
        return tuple(node for release in self.releases for node in release.nodes)

    def running(self, service: str) -> str | None:
        """Return the accepted version of a service."""
        return next((release.version for release in self.releases if release.service == service), None)


def _of_key(by_type: Mapping[str, Sequence[_Resource]], output: str) -> str | None:
    return next((_plain(key.outputs.get(output)) for key in by_type.get(_KEY, [])), None)


def _releases(releases: Iterable[_Resource], machines: Mapping[str, Mapping[str, Any]]) -> tuple[Release, ...]:
    """Put releases and places of machines together; services whose release does not exist yet have only machines."""
    by_service = {release.name: release for release in releases}
    places: dict[str, dict[str, Mapping[str, Any]]] = {name: _release_places(each) for name, each in by_service.items()}
    for node, place in machines.items():
        places.setdefault(NodeName.parse(node).service, {})[node] = place
    return tuple(_release(service, by_service.get(service), places[service]) for service in places)


def _release_places(release: _Resource) -> dict[str, Mapping[str, Any]]:
    """Return where a release found its nodes, whatever kind of machine they are."""
    return {name: node.get("place", {}) for name, node in release.inputs.get("nodes", {}).items()}


def _release(service: str, release: _Resource | None, places: Mapping[str, Mapping[str, Any]]) -> Release:
    outputs = release.outputs if release else {}
    status = outputs.get("status") or {}
    roles = release.inputs.get("roles", {}) if release else {}
    nodes = [
        _node(name, place, status.get(name) or {}, roles) for name, place in places.items() if place.get("address")
    ]
    return Release(
        service=service,
        version=outputs.get("version") or None,
        digest=outputs.get("digest") or None,
        since=outputs.get("since") or None,
        endpoints={name: tuple(urls) for name, urls in (outputs.get("endpoints") or {}).items()},
        nodes=tuple(sorted(nodes, key=lambda node: NodeName.parse(node.name))),
        secrets=_secrets(release) if release and outputs.get("version") else {},
        inputs=release.inputs if release else {},
        urn=release.urn if release else None,
    )


def _node(
    name: str, place: Mapping[str, Any], status: Mapping[str, Any], roles: Mapping[str, Mapping[str, Any]]
) -> DeployedNode:
    role = status.get("role") or NodeName.parse(name).role
    return DeployedNode(
        name=name,
        role=role,
        target=Target.of_place(name, {"hostKey": "", **place}),
        version=status.get("version"),
        healthy=status.get("healthy"),
        drift=tuple(status.get("drift", ())),
        note=status.get("note", ""),
        units=_named(roles.get(role, {}), "units"),
        logs=_named(roles.get(role, {}), "logs"),
    )


def _secrets(release: _Resource) -> dict[str, str | None]:
    """Return the secrets that were accepted: of those that are generated, the Release keeps them itself."""
    used = {**_opened(release.inputs.get("secrets")), **_opened(release.outputs.get("acceptedSecrets"))}
    return {key: _plain(value) for key, value in used.items()}


def _named(role: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    """Return the names of the units or log files of a role's components."""
    components = role.get("components", {}).values()
    return tuple(dict.fromkeys(name for component in components for name in component.get(kind, ())))


def _opened(value: Any) -> Mapping[str, Any]:
    """Return a mapping that may be sealed as a whole; an empty one if it stayed sealed."""
    if isinstance(value, dict) and _SIGNATURE in value:
        value = json.loads(value.get("plaintext", "{}"))
    return value if isinstance(value, dict) else {}


def _plain(value: Any) -> str | None:
    """Return a text that may be sealed; None if it stayed sealed."""
    if isinstance(value, dict) and _SIGNATURE in value:
        return json.loads(value["plaintext"]) if "plaintext" in value else None
    return value if isinstance(value, str) else None
