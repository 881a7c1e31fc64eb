"""Whoever uses a node when it goes gets an answer; the node goes when that is there."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.scenarios.gateway import under_way
from tests.scenarios.gateway.gate import DOMAIN, GATEWAY, define, entrance
from tests.scenarios.meanwhile import under_load
from tests.scenarios.workspace import Workspace

PATIENT = f"      config: {{timeout: {under_way.LONG}}}\n"
ERRORS = "tail /var/log/nginx/error.log"


def test_requests_under_way_end_when_a_node_is_upgraded_replaced_or_removed(domain: Workspace) -> None:
    stack = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    first, second = (under_way.build(domain, version) for version in ("3.2.92", "3.2.93"))
    define(domain, first)
    stack.write_text(re.sub(r"(service: gateway-service-\S+\n)", rf"\1{PATIENT}", stack.read_text()))
    domain.up(DOMAIN)

    def remove_the_third() -> None:
        stack.write_text(stack.read_text().replace("nodes: {web: 3}", "nodes: {web: 2}"))
        domain.up(DOMAIN)

    web = [f"web-{number}.access-service.{DOMAIN}" for number in (1, 2, 3)]
    changes: list[tuple[str, str, Callable[[], object]]] = [
        (web[1], "GET", lambda: domain.must("soop", "deploy", "--yes", second, DOMAIN)),
        (web[0], "POST", lambda: domain.must("soop", "replace", "--yes", web[0])),
        (web[2], "POST", remove_the_third),
    ]
    for node, method, change in changes:
        with (
            under_load(f"{entrance(domain)}/quick", method) as answers,
            under_way.under_way(domain, node) as status,
        ):
            change()
        assert (status.result(), answers.failed) == (200, {}), f"{node}: {domain.sh(GATEWAY, ERRORS)}"
    assert domain.changes(DOMAIN) == {}
    stack.write_text(stack.read_text().replace(PATIENT, ""))  # the next update makes the gateway as it was
