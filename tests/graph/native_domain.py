"""A domain with machines of somebody's provider, as its program declares it, with Pulumi's engine mocked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pulumi
from pulumi.runtime import mocks

from soop_components.components import Domain
from soop_components.model.environment import Environment
from soop_components.model.firewall import inbound
from soop_components.model.plan import HttpSmoke, RolePlan, SmokeTestPlan
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan, ServicePlan
from tests.domains import domain_from_config


class Monitor(mocks.MockMonitor):
    """Remembers every registration, with its options."""

    def __init__(self, recorder: mocks.Mocks) -> None:
        super().__init__(recorder)
        self.requests: dict[tuple[str, str], Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.requests[request.type, request.name] = request
        return super().RegisterResource(request)


class Cloud(mocks.Mocks):
    """Answers as our provider would; a subclass, as the provider of the machines."""

    def __init__(self) -> None:
        self.inputs: dict[tuple[str, str], dict[str, Any]] = {}

    def native(self, args: mocks.MockResourceArgs) -> dict[str, Any]:
        """Return the outputs of a resource that are not its inputs."""
        return {}

    def id_of(self, args: mocks.MockResourceArgs) -> str:
        return f"{args.name}-id"

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.inputs[args.typ, args.name] = args.inputs
        more = self.native(args)
        if args.typ == "soop:index:Key":
            more = {"publicKey": "ssh-ed25519 BBBB", "privateKey": "PRIVATE"}
        if args.typ == "soop:index:Bootstrap":
            more = {"hostKey": "ssh-ed25519 CCCC", "userData": "#cloud-config\n"}
        if args.typ == "soop:index:Host":
            more = {"place": {"address": args.inputs["spec"]["hosts"][0]["address"], "hostKey": "ssh-ed25519 DDDD"}}
        if args.typ == "soop:index:Release":
            more = {"since": "2026-01-02T03:04:05+00:00", "status": {}}
        return self.id_of(args), args.inputs | more

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return {}, []

    def names(self, token: str) -> list[str]:
        return sorted(name for of, name in self.inputs if of == token)


@contextmanager
def event_loop() -> Iterator[None]:
    """Have one of its own, as the SDK needs.

    Of a program that fails the SDK leaves tasks whose errors nobody asks for. They are reported when their memory is
    freed, in the midst of whatever comes later: not here, where a test has seen the error itself.
    """
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)


def access_plan(domain: str, environment: Environment, web: int = 3) -> ServicePlan:
    """Plan a service with one store, which has a disk, and some web servers."""
    defined = domain_from_config(domain, environment.name, [{"service": "access-service-3.2.3"}], {}, "file")
    within = inbound(defined, environment, "access-service", {})
    rules = inbound(defined, environment, "access-service", {"http": 80, "status": 8080}, ["status"])
    disk = DiskDefinition(size="1500MiB", mount="/srv")
    suffix = f"access-service.{domain}"
    nodes = [NodePlan(name=f"store-1.{suffix}", role="store", number=1, size="small", disk=disk, inbound=within)]
    nodes += [
        NodePlan(name=f"web-{each}.{suffix}", role="web", number=each, size="large", inbound=rules)
        for each in range(1, web + 1)
    ]
    return ServicePlan(
        service="access-service",
        version="3.2.3",
        digest="sha256:" + "a" * 64,
        roles={"store": RolePlan(), "web": RolePlan()},
        nodes={node.name: node for node in nodes},
        endpoints={"http": tuple(f"http://web-{each}.{suffix}:80" for each in range(1, web + 1))},
        smoke_tests=(SmokeTestPlan(name="up", http=HttpSmoke(port=8080, nodes=(f"web-1.{suffix}",))),),
    )


def declare(cloud: Cloud, domain: str, environment: Environment, plan: ServicePlan | None = None) -> Monitor:
    """Run the program of a domain."""
    monitor = Monitor(cloud)
    mocks.set_mocks(cloud, project="soop", stack=domain, preview=False, monitor=monitor)

    @pulumi.runtime.test
    def declared_by_the_program() -> None:
        Domain(
            domain,
            environment,
            [plan or access_plan(domain, environment)],
            images={"access-service": "debian-12"},
        )

    declared_by_the_program()
    return monitor
