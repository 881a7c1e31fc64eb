"""The machines and disks that a domain declares, by the kind of its machines."""

from __future__ import annotations

import base64
from unittest import mock

import pytest

from soop_components.machines.kinds import KINDS
from soop_components.machines.ssh.settings import ExistingHost, SshEnvironment, SshSettings
from soop_components.model.environment import Environment, Reliability
from soop_components.model.firewall import EVERYWHERE, Rule
from tests.graph.declared import DOMAIN, Recorder, declare, node, plan
from tests.rented import RentedEnvironment, RentedSettings, register

HOST_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(32)).decode()


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


def test_existing_hosts_let_in_hosts_of_domains_that_may_and_leave_these_to_them(recorder: Recorder) -> None:
    for_domains: list[str | None] = [None, "dev-one", None]
    hosts = {
        f"rack{number}": ExistingHost(address=f"10.0.0.{number}", host_key=HOST_KEY, domain=domain)
        for number, domain in enumerate(for_domains, 1)
    }
    rules = (Rule(port=22, networks=EVERYWHERE), Rule(port=80, domains=("dev-one",)))
    web = node("web", 1, "access-service").model_copy(update={"inbound": rules})
    services = [plan().model_copy(update={"nodes": {web.name: web}})]
    declare(services, SshEnvironment(name="dev", machines="ssh", ssh=SshSettings.model_construct(hosts=hosts)))
    (host,) = recorder.resources["soop:index:Host"]
    assert [each["name"] for each in host.inputs["spec"]["hosts"]] == ["rack1", "rack3"]
    assert host.inputs["spec"]["firewall"]["ports"] == {"80": ["10.0.0.2"]}


def test_local_machines_are_not_recorded_as_a_kind(recorder: Recorder) -> None:
    declare([plan()])
    assert recorder.monitor.domain_inputs == {}


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


@pytest.mark.parametrize("protect", [True, False])
def test_an_environment_can_protect_disks(recorder: Recorder, protect: bool) -> None:
    declare([plan()], Environment(name="prod", reliability=Reliability(protect_stateful=protect)))
    assert recorder.monitor.protected == ({"soop:index:Disk"} if protect else set())
