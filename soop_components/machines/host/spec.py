"""What a Host is given, parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from soop_components.machines.host.firewall import Firewall
from soop_components.model.size import bytes_of
from soop_components.transport.ssh import Target

DEFAULT_PATIENCE = 20.0


@dataclass(frozen=True)
class Candidate:
    """A machine that a node may be on."""

    name: str
    """What the machine is called in an inventory; the node's name where it was made for the node."""
    address: str
    host_key: str
    port: int = 22
    user: str = "root"
    disks: Mapping[str, str] = field(default_factory=dict)
    """Devices by where they are mounted."""
    jump: Mapping[str, Any] | None = None
    """The place of the host through which it is reached."""
    inside: str = ""
    """The address by which nodes of its domain reach it, where that is another one."""

    @classmethod
    def parse(cls, listed: Mapping[str, Any]) -> Candidate:
        """Read one of ``hosts``."""
        where = listed.get("port", 22), listed.get("user", "root")
        more = listed.get("disks", {}), listed.get("jump")
        inside = listed.get("inside", "")
        return cls(listed["name"], listed["address"], listed["hostKey"], *where, *more, inside=inside)

    def target(self, label: str) -> Target:
        """Return where it is, as messages shall call it."""
        return Target.of_place(label, self.place(self.host_key, DEFAULT_PATIENCE))

    def place(self, host_key: str, patience: float) -> dict[str, Any]:
        """Return what a Release needs to know."""
        place = {"address": self.address, "port": self.port, "user": self.user, "hostKey": host_key}
        jump = {"jump": {**self.jump}} if self.jump else {}
        inside = {"inside": self.inside} if self.inside else {}
        return {**place, **jump, **inside, **({} if patience == DEFAULT_PATIENCE else {"patience": patience})}


@dataclass(frozen=True)
class HostSpec:
    """The property ``spec`` of a Host."""

    candidates: tuple[Candidate, ...]
    keys: tuple[str, ...]
    base: str
    memory: int
    cpus: int
    operator_login: bool
    made_for_node: bool
    patience: float
    mounts: tuple[str, ...]
    """Where data lies."""
    firewall: Firewall | None = None
    """Who may connect, where the machine itself is to see to it."""
    kind: str = ""
    """The kind of machines whose operations start the machine when it is off."""

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> HostSpec:
        """Read the property."""
        return cls(
            candidates=tuple(map(Candidate.parse, spec["hosts"])),
            keys=tuple(spec["authorizedKey"].splitlines()),
            base=spec["base"],
            memory=bytes_of(spec["memory"]),
            cpus=spec["cpus"],
            operator_login=spec.get("operatorLogin", False),
            made_for_node=spec.get("madeForNode", False),
            patience=spec.get("patience", DEFAULT_PATIENCE),
            mounts=tuple(each["mount"] for each in spec.get("disks", ())),
            firewall=Firewall.parse(spec["firewall"]) if "firewall" in spec else None,
            kind=spec.get("kind", ""),
        )

    def folders(self, candidate: Candidate) -> list[str]:
        """Return where data lies that no disk of a candidate is for."""
        return [path for path in self.mounts if path not in candidate.disks]

    def named(self, name: str) -> Candidate | None:
        """Return the candidate of a name."""
        return next((each for each in self.candidates if each.name == name), None)
