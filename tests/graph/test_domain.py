"""The resources that a domain declares, with Pulumi's engine mocked."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import pulumi
import pytest
from pulumi.runtime import mocks
from pulumi.runtime.settings import _get_rpc_manager

from soop_components.components import Domain, program
from soop_components.machines.kinds import KINDS
from soop_components.machines.ssh.settings import ExistingHost, SshEnvironment, SshSettings
from soop_components.model.environment import Environment, Reliability
from soop_components.model.firewall import EVERYWHERE, Rule
from soop_components.model.plan import ComponentPlan, File, HttpSmoke, RolePlan, SmokeTestPlan
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import DomainPlan, NodePlan, ServicePlan
from tests.rented import RentedEnvironment, RentedSettings, register

DIGEST = "sha256:" + "a" * 64
DOMAIN = "dev-access"
HOST_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(32)).decode()
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
            outputs |= {"since": "2026-01-02T03:04:05+00:00", "status": {}}
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


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder()
    recorder.monitor = Monitor(recorder)
    mocks.set_mocks(recorder, project="soop", stack=DOMAIN, preview=False, monitor=recorder.monitor)
    yield recorder
    loop.close()
    asyncio.set_event_loop(None)


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


def test_every_node_has_a_machine_and_only_a_role_with_a_disk_has_one(recorder: Recorder) -> None:
    declare([plan()])
    names = [f"{short}.access-service.{DOMAIN}" for short in ("database-1", "web-1", "web-2")]
    assert recorder.names("soop:index:Node") == names
    assert recorder.names("soop:index:Machine") == names
    assert recorder.names("soop:index:Disk") == names[:1]
    disks = {args.name: args.inputs["spec"]["disks"] for args in recorder.resources["soop:index:Machine"]}
    assert disks == {names[0]: [{"disk": names[0], "mount": "/var/lib/postgresql"}], names[1]: [], names[2]: []}


def test_another_kind_of_machines_declares_resources_of_its_own(recorder: Recorder) -> None:
    with mock.patch.dict(KINDS):
        register()
        settings = RentedSettings(account="acme", patience=120)
        declare([plan()], RentedEnvironment(name="dev", machines="rented", rented=settings))
    names = [f"{short}.access-service.{DOMAIN}" for short in ("database-1", "web-1", "web-2")]
    assert recorder.names("soop:index:Node") == recorder.names("soop:index:Server") == names
    assert recorder.names("soop:index:Volume") == names[:1]
    assert [args.inputs for args in recorder.resources["soop:index:Network"]] == [{"account": "acme"}]
    assert not recorder.names("soop:index:Machine")
    (release,) = recorder.resources["soop:index:Release"]
    place = {"address": "10.0.0.8", "hostKey": "ssh-ed25519 AAAA", "patience": 120}
    assert [node["place"] for node in release.inputs["nodes"].values()] == [place] * 3
    assert recorder.monitor.domain_inputs == {"machines": "rented"}


def test_nodes_on_existing_hosts_have_first_choices_of_their_own(recorder: Recorder) -> None:
    hosts = {
        f"rack{number}": ExistingHost(address=f"10.0.0.{number}", host_key=HOST_KEY, sizes=sizes)
        for number, sizes in enumerate([("large",), (), ("small",), ()], 1)
    }
    declare([plan()], SshEnvironment(name="dev", machines="ssh", ssh=SshSettings.model_construct(hosts=hosts)))
    specs = {args.name: args.inputs["spec"] for args in recorder.resources["soop:index:Host"]}
    names = [f"{short}.access-service.{DOMAIN}" for short in ("database-1", "web-1", "web-2")]
    assert {name: [host["name"] for host in specs[name]["hosts"]] for name in names} == {
        names[0]: ["rack3", "rack2", "rack4"],
        names[1]: ["rack2", "rack3", "rack4"],
        names[2]: ["rack4", "rack3", "rack2"],
    }
    assert specs[names[0]]["disks"] == [{"mount": "/var/lib/postgresql", "size": "1GiB"}]
    assert recorder.names("soop:index:Host") == names
    assert not recorder.names("soop:index:Disk")
    assert recorder.monitor.domain_inputs == {"machines": "ssh"}


def test_nodes_of_a_role_on_existing_hosts_go_to_one_zone_after_the_other(recorder: Recorder) -> None:
    hosts = {
        f"rack{number}": ExistingHost(address=f"10.0.0.{number}", host_key=HOST_KEY, zone=zone)
        for number, zone in enumerate(["a", "a", "b", "b"], 1)
    }
    settings = SshSettings.model_construct(hosts=hosts)
    spread = Reliability(spread="availability_zone")
    declare([plan()], SshEnvironment(name="dev", machines="ssh", ssh=settings, reliability=spread))
    specs = {args.name.split(".")[0]: args.inputs["spec"] for args in recorder.resources["soop:index:Host"]}
    first = {short: spec["hosts"][0]["name"] for short, spec in specs.items()}
    assert first == {"database-1": "rack1", "web-1": "rack2", "web-2": "rack3"}


def test_local_machines_are_not_recorded_as_a_kind(recorder: Recorder) -> None:
    declare([plan()])
    assert recorder.monitor.domain_inputs == {}


def test_a_program_loads_nothing_of_the_provider() -> None:
    load = "import sys, soop_components.components.program, soop_components.machines.local.infrastructure"
    show = "print(*(name for name in sys.modules if name.startswith(('soop_components', 'asyncssh', 'cryptography'))))"
    done = subprocess.run([sys.executable, "-c", f"{load}; {show}"], capture_output=True, text=True, check=True)
    strange = (
        "asyncssh",
        "cryptography",
        *(f"soop_components.{room}" for room in ("provider", "release", "transport")),
    )
    assert [name for name in done.stdout.split() if name.startswith(strange)] == []
    assert "soop_components.machines.local.local_machines" not in done.stdout.split()


def test_a_local_machine_is_told_of_other_domains_that_may_connect_and_of_nothing_else(recorder: Recorder) -> None:
    rules = (
        Rule(port=None, domains=(DOMAIN,)),
        Rule(port=22, networks=EVERYWHERE),
        Rule(port=80, domains=("dev-one",)),
    )
    web = node("web", 1, "access-service").model_copy(update={"inbound": rules})
    closed = node("web", 2, "access-service").model_copy(update={"inbound": rules[:2]})
    declare([plan().model_copy(update={"nodes": {web.name: web, closed.name: closed}})])
    specs = {args.name: args.inputs["spec"] for args in recorder.resources["soop:index:Machine"]}
    assert specs[web.name]["inbound"] == [{"port": 80, "domains": ["dev-one"]}]
    assert "inbound" not in specs[closed.name]


def test_what_has_one_name_on_the_host_goes_before_its_replacement_comes(recorder: Recorder) -> None:
    declare([plan()])
    assert recorder.monitor.goes_first == {"soop:index:Disk", "soop:index:Machine"}


def test_there_is_one_release_for_each_service(recorder: Recorder) -> None:
    declare([plan()])
    (release,) = recorder.resources["soop:index:Release"]
    assert release.name == "access-service"
    assert release.inputs["version"] == "3.2.3"
    assert release.inputs["roles"]["web"]["components"]["page"]["files"]["/etc/motd"]["content"] == "this is 3.2.3\n"
    assert {name: node["place"]["address"] for name, node in release.inputs["nodes"].items()} == dict.fromkeys(
        recorder.names("soop:index:Machine"), "10.0.0.9"
    )
    assert release.inputs["neighbours"] == {}


def test_a_release_waits_for_those_that_its_service_requires_and_for_no_other(recorder: Recorder) -> None:
    plans = [plan(), simple("news-service"), simple("gateway-service"), simple("portal")]
    declare(plans, requires={"gateway-service": ("access-service",), "portal": ("gateway-service", "access-service")})
    assert recorder.monitor.waits_for == {
        "access-service": set(),
        "news-service": set(),
        "gateway-service": {"access-service"},
        "portal": {"gateway-service", "access-service"},
    }


def test_a_group_is_released_before_its_services_and_after_all_that_any_of_them_requires(recorder: Recorder) -> None:
    plans = [simple("news-service"), plan(), simple("gateway-service"), simple("portal")]
    requires = {"gateway-service": ("access-service", "news-service"), "portal": ("gateway-service",)}
    declare(plans, requires=requires, together=(("access-service", "gateway-service"),))
    group = "access-service+gateway-service"
    assert recorder.monitor.waits_for == {
        "news-service": set(),
        group: {"news-service"},
        "access-service": {group},
        "gateway-service": {group},
        "portal": {"gateway-service"},
    }
    (grouped,) = recorder.resources["soop:index:ReleaseGroup"]
    assert grouped.inputs["order"] == ["access-service", "gateway-service"]
    for release in recorder.resources["soop:index:Release"]:
        given = dict(release.inputs)
        accepted = given.pop("accepted", None)
        assert (given.pop("together", None), accepted) == (
            (["access-service", "gateway-service"], {"version": "9"}) if release.name in group else (None, None)
        )
        assert given == grouped.inputs["services"].get(release.name, given)


def test_all_nodes_of_a_domain_know_each_other_s_addresses_and_serve_one_service(recorder: Recorder) -> None:
    declare([plan(), simple("gateway-service")])
    releases = {args.name: args.inputs for args in recorder.resources["soop:index:Release"]}
    nodes = {name: set(inputs["nodes"]) for name, inputs in releases.items()}
    assert nodes["gateway-service"] == {f"all-1.gateway-service.{DOMAIN}"}
    assert not nodes["gateway-service"] & nodes["access-service"]
    neighbours = {name: inputs["neighbours"] for name, inputs in releases.items()}
    assert neighbours == {
        "access-service": dict.fromkeys(nodes["gateway-service"], "10.0.0.9"),
        "gateway-service": dict.fromkeys(nodes["access-service"], "10.0.0.9"),
    }


def test_only_secrets_that_the_domain_does_not_give_are_made_up(recorder: Recorder) -> None:
    declare([plan()])
    assert recorder.names("soop:index:Secret") == ["access-service.password"]
    (release,) = recorder.resources["soop:index:Release"]
    assert set(release.inputs["secrets"]["value"]) == {"password", "token"}


def test_names_stay_the_same_across_versions(recorder: Recorder) -> None:
    declare([plan("3.2.3")])
    before = {token: recorder.names(token) for token in recorder.resources}
    recorder.resources.clear()
    declare([plan("4.0.0")])
    assert {token: recorder.names(token) for token in recorder.resources} == before


def test_a_role_s_plan_is_there_once_however_many_nodes(recorder: Recorder) -> None:
    declare([plan(web=30)])
    (release,) = recorder.resources["soop:index:Release"]
    assert len(release.inputs["nodes"]) == 31
    assert set(release.inputs["roles"]) == {"database", "web"}
    assert "components" not in release.inputs["nodes"][f"web-7.access-service.{DOMAIN}"]


@pytest.mark.parametrize("protect", [True, False])
def test_an_environment_can_protect_disks(recorder: Recorder, protect: bool) -> None:
    declare([plan()], Environment(name="prod", reliability=Reliability(protect_stateful=protect)))
    assert recorder.monitor.protected == ({"soop:index:Disk"} if protect else set())


def test_every_registration_has_begun_when_the_program_ends(recorder: Recorder) -> None:
    only = simple("portal")
    plan = DomainPlan(DOMAIN, Environment(name="dev"), (only,), {"portal": "debian-12"}, {"portal": ()}, {})
    begun: list[int] = []

    async def whole() -> None:
        await program._declare(plan)
        begun.append(len(_get_rpc_manager().rpcs))

    pulumi.runtime.test(whole)()
    assert begun[0] >= len(["Provider", "Domain", "Key", "Service", "Node", "Machine", "Release"])
