"""An environment has room for a domain, or says who takes it."""

from __future__ import annotations

import json

from soop_components.machines.local.host_key import new_host_key
from soop_components.project import Project
from tests.unit.deployment.projects import GREETING, define, environment, plan, refused


def test_capacity_is_counted_over_all_domains_that_are_defined(built: Project) -> None:
    define(built, "dev-one", GREETING)
    define(built, "dev-two", f"{GREETING}, nodes: {{web: 1}}")
    assert plan(built, "dev-three")
    error = refused(built, "dev-three", web=3)
    assert error.problems == (
        "stacks/Pulumi.dev-three.yaml: soop:services: environment dev has 8 nodes; dev-three asks for 4 nodes, "
        "5 of them are taken by dev-one (3), dev-two (2)",
    )
    assert error.hint is not None
    assert "raise `capacity:` in stacks/environments/dev.yaml" in error.hint


def test_cpus_and_memory_are_counted_by_the_environment_s_sizes(built: Project) -> None:
    sizes = "sizes: {small: {cpus: 4, memory: 2GiB}}\n"
    environment(built, "dev", f"{sizes}capacity: {{nodes: 60, cpus: 20, memory: 10GiB}}\n")
    define(built, "dev-one", GREETING)
    assert plan(built, "dev-two", web=1)
    assert refused(built, "dev-two").problems == (
        "stacks/Pulumi.dev-two.yaml: soop:services: environment dev has 20 cpus; dev-two asks for 12 cpus, "
        "12 of them are taken by dev-one (12)",
        "stacks/Pulumi.dev-two.yaml: soop:services: environment dev has 10GiB of memory; dev-two asks for 6GiB of "
        "memory, 6GiB of them are taken by dev-one (6GiB)",
    )


def test_what_the_domain_itself_said_before_and_other_environments_do_not_count(built: Project) -> None:
    environment(built, "test", "capacity: {nodes: 3}\n")
    define(built, "dev-one", GREETING)
    define(built, "dev-two", GREETING)
    define(built, "test-one", GREETING)
    assert plan(built, "dev-two", web=4)
    assert plan(built, "test-one")
    assert refused(built, "test-two").problems


def test_what_cannot_be_counted_of_others_is_reported_and_refuses_nothing(built: Project) -> None:
    define(built, "dev-broken", "greeting-service")
    define(built, "dev-later", "other-service-2.0.0, nodes: {web: 5}")
    assert plan(built, "dev-two").notes == (
        "the capacity of environment dev may be exceeded, not all could be counted: "
        "stacks/Pulumi.dev-broken.yaml has mistakes, other-service-2.0.0 of dev-later is not in the store",
    )
    (problem,) = refused(built, "dev-two", web=3).problems
    assert "8 nodes; dev-two asks for 4 nodes, 5 of them are taken by dev-later (5)" in problem


def test_what_was_not_built_yet_is_counted_by_its_source(built: Project) -> None:
    define(built, "dev-next", "greeting-service-1.1.0")
    assert plan(built, "dev-two", web=3).notes == ()
    (problem,) = refused(built, "dev-two", web=5).problems[:1]
    assert "dev-two asks for 6 nodes, 3 of them are taken by dev-next (3)" in problem


def machine(project: Project, name: str, record: str | None = None) -> None:
    """Write the record of a local machine."""
    folder = project.machines / project.realm / name.rpartition(".")[2] / name
    folder.mkdir(parents=True)
    spec = {"name": name, "image": "debian-12", "cpus": 2, "memory": 1024**3, "authorized_keys": [], "disks": []}
    host_key = new_host_key().public
    about = {"spec": spec, "image_digest": f"sha256:{'0' * 64}", "host_key": host_key, "slot": 0, "number": 2}
    (folder / "machine.json").write_text(record or json.dumps({**about, "address": "10.64.0.2"}))


def test_what_runs_without_a_definition_is_counted(built: Project) -> None:
    for number in range(1, 5):
        machine(built, f"web-{number}.greeting-service.dev-gone")
    machine(built, "web-1.greeting-service.dev-damaged", "{}")
    for mine_or_elsewhere in ("dev-two", "test-gone"):
        machine(built, f"web-1.greeting-service.{mine_or_elsewhere}")
    assert plan(built, "dev-two").notes == ()
    found = refused(built, "dev-two", web=4)
    assert (
        "8 nodes; dev-two asks for 5 nodes, 5 of them are taken by dev-gone (4), dev-damaged (1)" in found.problems[0]
    )
    assert found.hint is not None
    assert found.hint.startswith("destroy what has no definition any more: soop destroy dev-damaged dev-gone; or ask")
    define(built, "dev-gone", GREETING)
    assert "5 nodes, 4 of them are taken by dev-gone (3)" in refused(built, "dev-two", web=4).problems[0]


def test_an_environment_without_limits_counts_nothing(built: Project) -> None:
    environment(built, "dev", "")
    define(built, "dev-broken", "greeting-service")
    assert plan(built, "dev-two", web=900).notes == ()


def test_existing_hosts_and_machines_of_clouds_count_without_a_definition_too(built: Project) -> None:
    keys = f"host_key: {new_host_key().public}"
    hosts = f"machines: ssh\nssh: {{hosts: {{rack1: {{address: 192.0.2.10, {keys}}}}}}}\n"
    environment(built, "dev", f"{hosts}capacity: {{nodes: 8, cpus: 8}}\n")
    folder = built.folder_of(built.backend)
    assert folder is not None
    stacks = folder / ".pulumi/stacks" / (built.pulumi_yaml("name") or "")
    stacks.mkdir(parents=True)
    host = {"type": "soop:index:Host", "inputs": {"spec": {"cpus": 2, "memory": "1GiB"}}}
    for domain, resources in {"dev-gone": [host, host], "dev-left": [], "test-gone": [host] * 8}.items():
        state = {"version": 3, "checkpoint": {"latest": {"resources": resources}}}
        (stacks / f"{domain}.json").write_text(json.dumps(state))
    found = refused(built, "dev-two", web=4)
    assert "8 cpus; dev-two asks for 5 cpus, 4 of them are taken by dev-gone (4)" in found.problems[0]
    assert "soop destroy dev-gone; or ask" in str(found.hint)
    define(built, "dev-gone", GREETING)
    assert plan(built, "dev-two", web=4)
