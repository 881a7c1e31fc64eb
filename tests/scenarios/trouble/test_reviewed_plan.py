"""A plan that was reviewed is carried out exactly, or refused since something has changed."""

from __future__ import annotations

import json

from tests.scenarios.trouble.beacon import Beacon

UNIT = "beacon-service-beacon.service"


def test_what_was_reviewed_is_done_and_nothing_when_a_node_has_changed_since(beacon: Beacon) -> None:
    before = beacon.says()
    beacon.define(says="as reviewed")
    shown = beacon.project.must("soop", "plan", beacon.domain, "--out", "reviewed.plan")
    assert f"\n  web-1, web-2: configured; restarts {UNIT}\n" in shown
    tried = "try it out: every node says so before the next one is touched"
    drain = [shown.index(f"web-{number}: drain, configure, undrain, {tried}\n") for number in (1, 2)]
    assert drain == sorted(drain)

    beacon.sh("echo '# by hand' >> /opt/beacon-service/beacon.py", 2)
    refused = beacon.project.fails("soop", "deploy", "--plan", "reviewed.plan")
    (line,) = (line for line in refused.splitlines() if "/opt/beacon-service/beacon.py" in line)
    assert line.startswith(f"  {beacon.name(2)}: reviewed was: configured; ")
    assert beacon.says() == before
    assert "by hand" in beacon.sh("cat /opt/beacon-service/beacon.py", 2)

    said = beacon.project.must("soop", "plan", "--json", beacon.domain, "--out", "again.plan")
    printed = json.loads(said[said.index("{") :])
    nodes = {node["node"]: node for node in printed["services"][0]["nodes"]}
    assert "/opt/beacon-service/beacon.py" in nodes[beacon.name(2)]["drift"][0]
    token = beacon.sh("sed -n s/^TOKEN=//p /etc/beacon-service/beacon.env").strip('"\n')
    assert len(token) == 32
    assert token not in said + (beacon.project.root / "again.plan").read_text()
    beacon.project.must("soop", "deploy", "--plan", "again.plan")
    beacon.says("as reviewed")
    assert "by hand" not in beacon.sh("cat /opt/beacon-service/beacon.py", 2)
    assert f"{beacon.domain}: no changes\n" in beacon.project.must("soop", "plan", beacon.domain)
    beacon.is_well("as reviewed")
