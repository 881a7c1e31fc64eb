"""Several runs at once: two on one domain take turns, and domains do not wait for each other."""

from __future__ import annotations

import shlex

from tests.scenarios.trouble.beacon import ONE, UP, Beacon

IN_A_SHELL = ("sh", "-c", f". .soop/env; {shlex.join((*UP, '--stack', ONE))}")


def test_two_on_one_domain(beacon: Beacon) -> None:
    beacon.hold()
    beacon.define(says="the first one's", trouble="slow-script")
    first = beacon.begin().until("running script prepare")
    second = beacon.project.fails(*IN_A_SHELL)
    assert f"{beacon.domain}: is being changed by process {first.process.pid} of " in second
    assert "wait until it has ended" in second
    refused = beacon.project.fails("soop", "deploy", "--yes", "beacon-service-1.0.0", beacon.domain)
    assert f"is being changed by process {first.process.pid} of " in refused
    beacon.go_on()
    ended = first.end()
    assert ended.exit_code == 0, ended.text
    beacon.is_well("the first one's")


def test_two_domains(domains: tuple[Beacon, Beacon]) -> None:
    for beacon in domains:
        beacon.hold()
        beacon.define(says=f"{beacon.domain} beside another one", trouble="slow-script")
    runs = [beacon.begin().until("running script prepare") for beacon in domains]
    for beacon, run in zip(domains, runs, strict=True):  # each is at work while the other one is
        assert run.process.poll() is None
        beacon.go_on()
    for beacon, run in zip(domains, runs, strict=True):
        ended = run.end()
        assert ended.exit_code == 0, ended.text
        beacon.is_well(f"{beacon.domain} beside another one")
    for beacon in domains:  # what comes after this finds them as they were
        beacon.define(says="all is well here")
        beacon.deploy()
        beacon.is_well("all is well here")
