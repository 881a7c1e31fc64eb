"""Machines that are played, and a Host on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.machines.host import leaving, resource, taking
from soop_components.machines.host.resource import HostResource
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.resource import Context
from soop_components.release.cancellation import Cancellation
from soop_components.secret import Secret
from soop_components.transport.ssh import LoginRefused, OtherHostKey, Target

NODE = "web-1.access-service.rack-access"
KEY = "ssh-ed25519 OURS"
MADE: dict[str, Any] = {"madeForNode": True, "operatorLogin": False}
"""What is said of a machine that was made for its node."""
CONTEXT = Context(f"urn::soop:index:Host::{NODE}", EngineProgress(None, ""), Cancellation())
FITS = {"base": "debian-12", "architecture": "amd64", "systemd": True, "memory": 2**30, "cpus": 2, "occupied": {}}
FITS |= {"nftables": True, "caller": "198.51.100.7", "guarded": True, "in_use": {}}


@dataclass
class Machine:
    """One machine, and what was asked of it."""

    found: dict[str, Any] = field(default_factory=lambda: dict(FITS))
    claim: dict[str, str] | None = None
    asked: list[str] = field(default_factory=list)
    is_gone: bool = False
    lets_domain_in: bool = True
    refuses: dict[str, int] = field(default_factory=dict)
    """Verbs that fail when they are asked for this time, counted from 1."""
    shows: str = ""
    shut_to: set[str] = field(default_factory=set)
    """Jump hosts from which nobody may connect, "" for no jump host."""
    rules_shut: set[str] = field(default_factory=set)
    """The same by the rules that are armed next."""
    rules: str = ""
    """Those that were armed last."""

    async def check_access(self) -> None:
        self.asked.append("check_access")

    async def ask(self, verb: str, takes: float = 0, **arguments: Any) -> Any:
        self.asked.append(verb)
        if self.asked.count(verb) == self.refuses.get(verb):
            raise SoopError(f"{verb} refused")
        if verb in ("look", "look_at_firewall"):
            return {"kept": False, **self.found, "claim": self.claim}
        if verb == "claim":
            self.claim = self.claim or arguments
            return self.claim
        if verb == "arm_firewall":
            self.rules = arguments["rules"]
        if verb in ("arm_firewall", "take_firewall_back"):
            self.shut_to, self.rules_shut = self.rules_shut, self.shut_to
        if verb == "keep_firewall":
            self.found["kept"] = True
        if verb == "authorize":
            self.lets_domain_in = True
        if verb == "users_made":
            return {"users": ["app"]}
        if verb == "fresh_host_key":
            self.shows = "ssh-ed25519 FRESH"
        return {"hostKey": self.shows}


@dataclass
class Network:
    """Machines by address, and the keys with which they were visited, and through which jump hosts."""

    machines: dict[str, Machine]
    keys: list[str | None] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def visit(self, target: Target, private_key: str | None, patience: float) -> AsyncIterator[Machine]:
        self.keys.append(private_key)
        self.ways.append(target.jump.address if target.jump else "")
        if self.machines[target.address].is_gone:
            raise SoopError("gone")
        if self.ways[-1] in self.machines[target.address].shut_to:
            raise SoopError("no answer")
        if private_key is not None and not self.machines[target.address].lets_domain_in:
            raise LoginRefused("refuses the domain's key")
        if self.machines[target.address].shows not in ("", target.host_key):
            raise OtherHostKey("another host key")
        yield self.machines[target.address]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    monkeypatch.delenv("SOOP_WITH_DATA", raising=False)
    made = Network({"10.0.0.1": Machine(), "10.0.0.2": Machine()})
    for module in (taking, resource, leaving):
        monkeypatch.setattr(module, "visit", made.visit)
    return made


def spec(**more: Any) -> dict[str, Any]:
    hosts = [
        {"name": f"rack{number}", "address": f"10.0.0.{number}", "hostKey": f"ssh-ed25519 {number}", "user": "ops"}
        for number in (1, 2)
    ]
    needs = {"base": "debian-12", "memory": "512MiB", "cpus": 1}
    return {"hosts": hosts, "authorizedKey": KEY, "operatorLogin": True, **needs, **more}


def wanted(**more: Any) -> dict[str, Any]:
    return {"spec": spec(**more), "privateKey": Secret("PRIVATE")}


def created(**more: Any) -> dict[str, Any]:
    return asyncio.run(HostResource().create(CONTEXT, wanted(**more))).outputs
