"""More nodes and fewer: those that stay are the same, new ones are configured before others go."""

from __future__ import annotations

from tests.scenarios.trouble.beacon import Beacon


def urns(beacon: Beacon) -> set[str]:
    return {resource["urn"] for resource in beacon.resources()}


def test_nodes_come_and_go(beacon: Beacon) -> None:
    before, two = urns(beacon), beacon.says()
    beacon.define(3, says=two[0]["says"])
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert beacon.says()[:2] == two  # neither was started again
    assert before < urns(beacon)
    beacon.define(1, says=two[0]["says"])
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert beacon.says() == two[:1]
    assert ended.text.index("accepted") < ended.text.index(f"Machine {beacon.name(3)} deleting")
    assert urns(beacon) < before
    assert beacon.name(2) not in beacon.ssh("cat /etc/hosts")


def test_a_new_node_and_an_old_one_change_places(beacon: Beacon) -> None:
    """One run adds nodes and changes what all say: the new ones are configured before those that serve."""
    beacon.define(3, says="three at once")
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    beacon.says("three at once")
    started = ("starting beacon-service-beacon", "restarting")
    told = [line for line in ended.text.splitlines() if any(words in line for words in started)]
    assert [beacon.name(number) in told[0] for number in (1, 2, 3)] == [False, False, True], ended.text
    beacon.define(2, says="three at once")
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    beacon.is_well("three at once")
