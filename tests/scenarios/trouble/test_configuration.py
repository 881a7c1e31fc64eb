"""What goes wrong while a node is configured: reported with node, step and words of the program, and rolled back."""

from __future__ import annotations

import pytest

from tests.scenarios.trouble.beacon import Beacon

TROUBLE = {
    "script": ("step scripts", "component prepare", "exit code 1", "  | cannot prepare what the beacon", "[secret]"),
    "health": ("step health", "component beacon", "within 4 seconds, got status 503"),
    "page": (
        "smoke test 'every node says what it should'",
        "expected status 200, got 500: No light See the log.",
        "  | /var/log/beacon-service-beacon/beacon.log:",
        "  | no oil, says [secret]",
    ),
    "smoke": (
        "smoke test 'it can be tried out'",
        "smoke/try.py ended with 1",
        "  | the beacon does not shine, says [secret]",
    ),
}


def is_rolled_back(beacon: Beacon, output: str, *numbers: int) -> bool:
    """Return whether it was said that these nodes were rolled back."""
    nodes = ", ".join(beacon.name(number) for number in numbers)
    return f"rolled back to the last good version: {nodes}\n" in output


@pytest.mark.parametrize("trouble", sorted(TROUBLE))
def test_a_step_that_fails_is_reported_and_rolled_back(beacon: Beacon, trouble: str) -> None:
    before = beacon.says()
    beacon.define(says="never accepted", trouble=trouble)
    output = beacon.fails("beacon-service-1.0.0 was not accepted", beacon.node, *TROUBLE[trouble])
    if trouble == "page":
        lines = [line.strip() for line in output.splitlines()]
        last_of_journal = lines[lines.index("| /var/log/beacon-service-beacon/beacon.log:") - 1]
        assert last_of_journal.endswith('"GET /health HTTP/1.1" 500 -')
    assert is_rolled_back(beacon, output, 1, 2) if trouble in ("page", "smoke") else is_rolled_back(beacon, output, 1)
    assert [each["says"] for each in beacon.says()] == [each["says"] for each in before]
    if trouble in ("page", "smoke"):
        first, second = beacon.since()
        assert second < first  # one after the other, the newest first: one of them always serves
    else:
        assert beacon.says()[1] == before[1]  # the canary had the trouble; the other node was never touched
    beacon.define(says=before[0]["says"])
    beacon.is_well(before[0]["says"])  # the state says what runs


def test_an_acceptance_that_fails_on_one_node_is_undone_on_all(beacon: Beacon) -> None:
    says = beacon.says()[0]["says"]
    beacon.sh("mkdir /var/lib/soop/accepted.json.new", 2)
    beacon.define(says="accepted by one of two")
    output = beacon.fails("beacon-service-1.0.0 was not accepted", beacon.name(2), "accepted.json: Is a directory")
    assert is_rolled_back(beacon, output, 1, 2)
    beacon.says(says)
    beacon.sh("rmdir /var/lib/soop/accepted.json.new", 2)
    beacon.define(says="never accepted", trouble="smoke")
    assert is_rolled_back(beacon, beacon.fails("the beacon does not shine"), 1, 2)
    beacon.define(says=says)
    beacon.is_well(says)


def test_a_port_in_use_is_reported(beacon: Beacon) -> None:
    says = beacon.says()[0]["says"]
    beacon.sh("systemd-run --quiet --unit=squatter python3 -m http.server 8099")
    beacon.define(says="never accepted", port=8099)
    output = beacon.fails(beacon.node, "step health", "beacon-service-beacon.service", "Address already in use")
    assert is_rolled_back(beacon, output, 1)
    beacon.sh("systemctl stop squatter")
    beacon.define(says=says)
    beacon.is_well(says)


FILL = """
set -e
mkdir /run/keep; cp -a /etc/beacon-service/. /run/keep
mount -t tmpfs -o size=16k,mode=755 none /etc/beacon-service
cp -a /run/keep/. /etc/beacon-service
dd if=/dev/zero of=/etc/beacon-service/filler 2>/dev/null || true
"""


def test_a_full_disk_is_reported_and_what_was_there_stays(beacon: Beacon) -> None:
    says = beacon.says()[0]["says"]
    beacon.sh(FILL)
    try:
        beacon.define(says="never accepted " * 300)
        output = beacon.fails(beacon.node, "step files", "/etc/beacon-service/beacon.env", "disk is full")
        assert is_rolled_back(beacon, output, 1), output
        beacon.says(says)
    finally:
        beacon.sh("umount /etc/beacon-service; rm -r /run/keep")
