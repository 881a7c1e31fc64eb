"""Web nodes that are full, cut off or switched off in the middle of an upgrade, while users ask and write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.gateway import pausing
from tests.scenarios.gateway.gate import DOMAIN, define, entrance, granted, seen
from tests.scenarios.ground import as_root
from tests.scenarios.meanwhile import asking, granting
from tests.scenarios.migrations.on_node import OnNode
from tests.scenarios.workspace import Workspace

TWO_AT_ONCE = "      rollout: {web: {max_in_flight: 2}}\n"
FILL = """
mkdir /run/keep; cp -a /etc/access-service/. /run/keep
mount -t tmpfs -o size=16k,mode=755 none /etc/access-service
cp -a /run/keep/. /etc/access-service
dd if=/dev/zero of=/etc/access-service/filler 2>/dev/null
"""
EMPTY = "umount /etc/access-service; rm -r /run/keep"


@pytest.fixture
def upgrade(domain: Workspace) -> Iterator[str]:
    """An upgrade of three web nodes, of which two are in flight at once, that is written down and not begun."""
    version = domain.service(DOMAIN)["version"]
    define(domain, f"access-service-{version}", TWO_AT_ONCE)
    domain.up(DOMAIN)
    reference = pausing.build(domain, "3.2.91")
    define(domain, reference, TWO_AT_ONCE)
    yield reference
    define(domain, reference)


@pytest.mark.soak
def test_the_upgrade_stops_and_is_rolled_back_and_the_next_one_goes_on(domain: Workspace, upgrade: str) -> None:
    running, (good, _), url = domain.service(DOMAIN), seen(domain), entrance(domain)
    first, second, third = (OnNode(domain, f"web-{number}.access-service.{DOMAIN}") for number in (1, 2, 3))
    with asking(f"{url}/access/ann/42") as answers, granting(url, "troubled") as (acknowledged, others):
        pausing.hold(first)
        run = pausing.begin(domain, first)
        second.sh(FILL)
        pausing.let_go(first)
        full = run.end()
        second.sh(EMPTY)
        assert full.exit_code != 0
        assert f"{upgrade} was not accepted: {second.name}: /etc/access-service/api.env: " in full.text
        assert "No space left on device (the node's disk is full) (step files" in full.text
        assert "could not be rolled back" not in full.text
        assert (domain.service(DOMAIN), seen(domain)[0]) == (running, good)

        pausing.hold(second, third)
        run = pausing.begin(domain, second, third)
        link(domain, second, "down")
        as_root("kill", "-KILL", str(domain.first_process(third.name)))
        lost = run.end()
        link(domain, second, "up")
        pausing.let_go(second)
        assert lost.exit_code != 0
        assert f"{upgrade} was not accepted: {second.name}: " in lost.text
        assert f"rolled back to the last good version: database-1.access-service.{DOMAIN}, {first.name}\n" in lost.text
        for node in (second, third):
            assert f"could not be rolled back: {node.name}: " in lost.text
        assert "the next deployment looks at these nodes and repairs them" in lost.text
        assert domain.service(DOMAIN) == running

        domain.up(DOMAIN)
    assert seen(domain)[0] == {**good, "access-service": "3.2.91"}
    assert (set(answers), others) == ({200}, [])
    assert granted(domain, "troubled") == acknowledged
    assert domain.changes(DOMAIN) == {}


def link(project: Workspace, node: OnNode, state: str) -> None:
    """Pull a node's network cable, or plug it in again."""
    first = project.first_process(node.name)
    as_root("nsenter", f"--target={first}", "--net", "ip", "link", "set", "eth0", state)
