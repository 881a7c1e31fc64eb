"""Services that are deployed together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.gateway import pausing
from tests.scenarios.gateway.gate import DOMAIN, WEB, entrance, granted, seen
from tests.scenarios.meanwhile import asking, granting
from tests.scenarios.migrations.on_node import OnNode
from tests.scenarios.workspace import Workspace, eventually

TOGETHER = "  soop:together:\n    - [gateway-service, access-service]\n"


@pytest.fixture
def stack(domain: Workspace) -> Iterator[Path]:
    """The domain definition, in which no group of services is left afterwards."""
    path = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    yield path
    path.write_text(path.read_text().replace(TOGETHER, ""))


def test_services_that_are_deployed_together_go_forward_or_back_together(domain: Workspace, stack: Path) -> None:
    alone = stack.read_text()
    before, processes = seen(domain)
    good, better = f"access-service-{before['access-service']}", pausing.build(domain, "3.2.9")
    gateway = domain.root / "service_defs/gateway-service/service.yaml"
    source = gateway.read_text()
    gateway.write_text(source.replace("database: reachable", "database: gone"))
    domain.must("soop", "build", "--version", "1.9.9-wrong", "service_defs/gateway-service")
    gateway.write_text(source)
    domain.must("soop", "build", "--version", "1.9.9", "service_defs/gateway-service")

    grouped = alone.replace("config:\n", f"config:\n{TOGETHER}", 1)
    stack.write_text(grouped.replace(good, better))
    output = domain.fails("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", DOMAIN)
    assert f"runs {good}, which a new group of services would change or repair; nothing was changed" in output

    stack.write_text(grouped)
    domain.up(DOMAIN)
    assert (domain.changes(DOMAIN), seen(domain)) == ({}, (before, processes))

    url, web = entrance(domain), OnNode(domain, WEB[0])
    with asking(f"{url}/access/ann/42") as answers, granting(url, "together") as (acknowledged, others):
        output = domain.fails("soop", "deploy", "--yes", better, "gateway-service-1.9.9-wrong", DOMAIN)
        assert "access-service-3.2.9 and gateway-service-1.9.9-wrong were not accepted: smoke test" in output
        assert (seen(domain)[0], stack.read_text(), domain.changes(DOMAIN)) == (before, grouped, {})

        stack.write_text(grouped.replace(good, better).replace("gateway-service-1.2.3", "gateway-service-1.9.9"))
        pausing.hold(web)
        pausing.begin(domain, web).kill()
        pausing.let_go(web)
        eventually(domain.is_quiet, 120)
        said = domain.must("soop", "deploy", "--yes", better, "gateway-service-1.9.9", DOMAIN)
        assert "removed the lock of process" in said
    assert (set(answers), others) == ({200}, [])
    assert granted(domain, "together") == acknowledged
    after = seen(domain)
    assert after[0] == {"access-service": "3.2.9", "gateway-service": "1.9.9"}
    stack.write_text(stack.read_text().replace(TOGETHER, ""))
    domain.up(DOMAIN)
    assert (domain.changes(DOMAIN), seen(domain)) == ({}, after)
