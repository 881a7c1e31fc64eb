"""A restart in the order of a rollout: what runs stays what was accepted."""

from __future__ import annotations

from tests.scenarios.trouble.beacon import SERVICE, Beacon
from tests.scenarios.trouble.test_scaling import hooks


def test_a_restart_passes_over_the_nodes_and_stops_at_the_first_failure(beacon: Beacon) -> None:
    before, state = beacon.since(), beacon.state()
    for number in (1, 2):
        hooks(beacon, number)
    said = beacon.project.run("soop", "restart", SERVICE, beacon.domain)
    assert said.exit_code == 0, said.text
    assert f"{beacon.domain}: beacon-service-1.0.0 was restarted on 2 nodes" in said.text
    first, second = beacon.since()
    assert max(before) < first < second  # one after the other
    for number in (1, 2):
        assert hooks(beacon, number) == [f"{hook} web-{number} of 2" for hook in ("drain", "undrain")]

    beacon.project.must("soop", "restart", SERVICE, beacon.domain, "web-2")
    third = beacon.since()[1]
    assert beacon.since()[0] == first
    assert third > second

    beacon.sh("touch /run/beacon-drain-fails")
    try:
        said = beacon.project.run("soop", "restart", SERVICE, beacon.domain)
        assert said.exit_code == 1, said.text
        assert f"the restart of beacon-service-1.0.0 stopped: {beacon.node}: hook drain" in said.text
        assert f"not restarted: {beacon.node}, {beacon.name(2)}" in said.text
        assert beacon.since() == [first, third]
    finally:
        beacon.sh("rm /run/beacon-drain-fails")
    assert beacon.state() == state
