"""More nodes and fewer: those that stay are the same, new ones are configured before others go."""

from __future__ import annotations

from tests.scenarios.trouble.beacon import Beacon


def urns(beacon: Beacon) -> set[str]:
    return {resource["urn"] for resource in beacon.resources()}


def resolves(beacon: Beacon, number: int, on: int = 1) -> bool:
    """Return whether a node knows the address of another."""
    return beacon.name(number) in beacon.sh(f"getent hosts {beacon.name(number)} || true", on)


def hooks(beacon: Beacon, number: int) -> list[str]:
    """Return what a node was asked for since this was called last."""
    return beacon.sh("cat /var/lib/beacon-hooks; : > /var/lib/beacon-hooks", number).splitlines()


def test_nodes_come_and_go(beacon: Beacon) -> None:
    before, two = urns(beacon), beacon.says()
    for number in (1, 2):
        hooks(beacon, number)
    beacon.define(3, says=two[0]["says"])
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert [hooks(beacon, number) for number in (1, 2, 3)] == [[], [], ["join web-3 of 3"]]
    assert beacon.says()[:2] == two  # neither was started again
    assert before < urns(beacon)
    beacon.define(1, says=two[0]["says"])
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert beacon.says() == two[:1]
    left = [line for line in ended.text.splitlines() if "hook leave" in line]
    numbers = [number for line in left for number in (1, 2, 3) if beacon.name(number) in line]
    assert list(dict.fromkeys(numbers)) == [3, 2], ended.text
    assert hooks(beacon, 1) == []
    assert ended.text.index("accepted") < ended.text.index(f"Machine {beacon.name(3)} deleting")
    assert urns(beacon) < before
    assert resolves(beacon, 2)  # while its machine was still there, others could call it
    assert beacon.changes() == {}
    beacon.define(1, says="alone")
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert not resolves(beacon, 2)


def test_a_new_node_and_an_old_one_change_places(beacon: Beacon) -> None:
    """One run adds nodes and changes what all say: the new ones are configured before those that serve."""
    for number in (1, 2):
        hooks(beacon, number)
    beacon.define(3, says="three at once")
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    beacon.says("three at once")
    started = ("starting beacon-service-beacon", "restarting")
    lines = [line for line in ended.text.splitlines() if any(words in line for words in started)]
    assert [beacon.name(number) in lines[0] for number in (1, 2, 3)] == [False, False, True], ended.text
    asked = [hooks(beacon, number) for number in (1, 2, 3)]
    serving = [[f"{hook} web-{number} of 3" for hook in ("drain", "undrain")] for number in (1, 2)]
    assert asked == [*serving, ["join web-3 of 3"]]
    beacon.define(2, says="three at once")
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    beacon.is_well("three at once")


def test_a_node_that_cannot_be_drained_is_not_touched(beacon: Beacon) -> None:
    two = beacon.says()
    for number in (1, 2):
        hooks(beacon, number)
    beacon.sh("touch /run/beacon-drain-fails", 2)
    beacon.define(says="never accepted")
    output = beacon.fails(f"{beacon.name(2)}: hook drain: hooks/note.sh ended with 1, expected 0", "| asked to drain")
    assert f"rolled back to the last good version: {beacon.name(1)}\n" in output
    assert beacon.says()[1] == two[1]
    assert beacon.says()[0]["says"] == two[0]["says"]
    assert [hooks(beacon, number) for number in (1, 2)] == [
        [f"{hook} web-1 of 2" for hook in ("drain", "undrain", "drain", "undrain")],
        ["drain web-2 of 2", "undrain web-2 of 2"],
    ]
    beacon.sh("rm /run/beacon-drain-fails", 2)
    beacon.define(says=two[0]["says"])
    beacon.is_well(two[0]["says"])


def test_names_of_what_was_made_stay_when_all_is_rolled_back(beacon: Beacon) -> None:
    says = beacon.says()[0]["says"]
    beacon.define(3, says="never accepted", trouble="smoke")
    beacon.fails("the beacon does not shine")
    beacon.says(says)
    assert all(resolves(beacon, number, on) for number in (1, 2, 3) for on in (1, 2, 3))
    beacon.define(2, says=says)
    beacon.sh(f"sed -i /{beacon.name(2)}/d /etc/hosts")
    seen = beacon.project.must("pulumi", "preview", "--stack", beacon.domain)
    assert f"/etc/hosts: other addresses of {beacon.name(2)}" in seen
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    assert [resolves(beacon, number) for number in (2, 3)] == [True, False]
    beacon.is_well(says)
