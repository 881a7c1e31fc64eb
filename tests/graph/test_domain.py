"""The releases that a domain declares, and what goes for all its resources."""

from __future__ import annotations

import subprocess
import sys

import pulumi
from pulumi.runtime.settings import _get_rpc_manager

from soop_components.components import program
from soop_components.model.environment import Environment
from soop_components.model.service_plan import DomainPlan, Import, ServicePlan
from tests.graph.declared import DOMAIN, Recorder, declare, plan, simple


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


def with_secrets_of_others() -> list[ServicePlan]:
    """Return a service that exports two secrets, and one that uses them."""
    imports = {f"access_service__{key}": Import(service="access-service", secret=key) for key in ("password", "token")}
    provider = plan().model_copy(update={"exports": ("password", "token")})
    return [provider, simple("gateway-service").model_copy(update={"imports": imports, "secrets": {"own": 20}})]


def test_a_service_gets_what_was_accepted_of_the_secrets_of_another(recorder: Recorder) -> None:
    declare(with_secrets_of_others(), requires={"gateway-service": ("access-service",)})
    gateway = next(each for each in recorder.resources["soop:index:Release"] if each.name == "gateway-service")
    assert gateway.inputs["secrets"]["value"] == {
        "own": "made-up",
        "access_service__password": "accepted",
        "access_service__token": "given",
    }
    assert gateway.inputs["generated"] == {"own": 20}
    assert "imports" not in gateway.inputs
    assert recorder.names("soop:index:Secret") == ["access-service.password", "gateway-service.own"]


def test_in_a_group_services_try_the_same_secrets(recorder: Recorder) -> None:
    group = ("access-service", "gateway-service")
    declare(with_secrets_of_others(), requires={"gateway-service": ("access-service",)}, together=(group,))
    gateway = next(each for each in recorder.resources["soop:index:Release"] if each.name == "gateway-service")
    assert gateway.inputs["secrets"]["value"]["access_service__password"] == "made-up"
    assert gateway.inputs["generated"] == {"own": 20, "access_service__password": 32}
    assert gateway.inputs["imports"] == {"access_service__password": "access-service.password"}


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


def test_every_registration_has_begun_when_the_program_ends(recorder: Recorder) -> None:
    only = simple("portal")
    plan = DomainPlan(DOMAIN, Environment(name="dev"), (only,), {"portal": "debian-12"}, {"portal": ()}, {})
    begun: list[int] = []

    async def whole() -> None:
        await program._declare(plan)
        begun.append(len(_get_rpc_manager().rpcs))

    pulumi.runtime.test(whole)()
    assert begun[0] >= len(["Provider", "Domain", "Key", "Service", "Node", "Machine", "Release"])
