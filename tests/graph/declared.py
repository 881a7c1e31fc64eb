"""Declares domains with Pulumi's engine mocked, and records what is registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import mocks

from soop_components.components import Domain
from soop_components.model.environment import Environment
from soop_components.model.plan import ComponentPlan, File, HttpSmoke, RolePlan, SmokeTestPlan
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan, ServicePlan

DIGEST = "sha256:" + "a" * 64
DOMAIN = "dev-access"
_RELEASING = ("soop:index:Release", "soop:index:ReleaseGroup")


class Recorder(mocks.Mocks):
    """Remembers every resource that the program registers."""

    monitor: Monitor

    def __init__(self) -> None:
        self.resources: dict[str, list[mocks.MockResourceArgs]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources.setdefault(args.typ, []).append(args)
        outputs = dict(args.inputs)
        if args.typ == "soop:index:Machine":
            outputs |= {"place": {"address": "10.0.0.9", "port": 22, "user": "root", "hostKey": "ssh-ed25519 AAAA"}}
        if args.typ == "soop:index:Host":
            outputs |= {"place": {"address": "10.0.0.7", "port": 22, "user": "ops", "hostKey": "ssh-ed25519 AAAA"}}
        if args.typ == "soop:index:Server":
            outputs |= {"ip": "10.0.0.8", "hostKey": "ssh-ed25519 AAAA"}
        if args.typ == "soop:index:Key":
            outputs |= {"publicKey": "ssh-ed25519 BBBB", "privateKey": "PRIVATE"}
        if args.typ == "soop:index:Secret":
            outputs |= {"value": "made-up"}
        if args.typ == "soop:index:ReleaseGroup":
            outputs |= {"accepted": {name: {"version": "9"} for name in args.inputs["order"]}}
        if args.typ == "soop:index:Release":
            generated = args.inputs.get("generated", {})
            outputs |= {"since": "2026-01-02T03:04:05+00:00", "status": {}}
            outputs |= {"acceptedSecrets": dict.fromkeys(generated, "accepted")}
        return args.name, outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return {}, []

    def names(self, token: str) -> list[str]:
        """Return the names of all resources of a type."""
        return sorted(args.name for args in self.resources.get(token, []))


class Monitor(mocks.MockMonitor):
    """Remembers what every release waits for, and what goes before its replacement comes."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.waits_for: dict[str, set[str]] = {}
        self.goes_first: set[str] = set()
        self.protected: set[str] = set()
        self.domain_inputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        if request.deleteBeforeReplace:
            self.goes_first.add(request.type)
        if request.type == "soop:index:Domain":
            self.domain_inputs = dict(request.object)
        if request.protect:
            self.protected.add(request.type)
        if request.type in _RELEASING:
            urns = (urn.split("::") for urn in request.dependencies)
            self.waits_for[request.name] = {name for *_, types, name in urns if types.endswith(_RELEASING)}
        return super().RegisterResource(request)


def node(role: str, number: int, service: str, disk: DiskDefinition | None = None) -> NodePlan:
    name = f"{role}-{number}.{service}.{DOMAIN}"
    return NodePlan(name=name, role=role, number=number, size="small", disk=disk)


def plan(version: str = "3.2.3", web: int = 2) -> ServicePlan:
    nodes = [node("database", 1, "access-service", DiskDefinition(size="1GiB", mount="/var/lib/postgresql"))]
    nodes += [node("web", number, "access-service") for number in range(1, web + 1)]
    page = ComponentPlan(files={"/etc/motd": File(content=f"this is {version}\n")})
    return ServicePlan(
        service="access-service",
        version=version,
        digest=DIGEST,
        roles={
            "database": RolePlan(components={"store": ComponentPlan()}, order=("store",)),
            "web": RolePlan(components={"page": page}, order=("page",), after=("database",)),
        },
        nodes={node.name: node for node in nodes},
        smoke_tests=(SmokeTestPlan(name="up", http=HttpSmoke(port=80, nodes=("web-1.access-service.dev-access",))),),
        secrets={"password": 32, "token": None},
    )


def simple(service: str) -> ServicePlan:
    """Return the plan of a service of one node."""
    only = node("all", 1, service)
    return ServicePlan(
        service=service, version="1.0.0", digest=DIGEST, roles={"all": RolePlan()}, nodes={only.name: only}
    )


def declare(
    plans: list[ServicePlan],
    environment: Environment | None = None,
    requires: Mapping[str, tuple[str, ...]] | None = None,
    together: tuple[tuple[str, ...], ...] = (),
) -> Domain:
    declared: list[Domain] = []

    @pulumi.runtime.test
    def declared_by_the_program() -> None:
        domain = Domain(
            DOMAIN,
            environment or Environment(name="dev"),
            plans,
            images=dict.fromkeys((each.service for each in plans), "debian-12"),
            requires=requires,
            together=together,
            secrets={"access-service": {"token": "given"}},
        )
        declared.append(domain)

    declared_by_the_program()
    return declared[0]
