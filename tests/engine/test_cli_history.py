"""``soop history`` with the real engine: updates by soop, by a bare pulumi, and those that failed."""

from __future__ import annotations

import json
import shutil

from tests.engine.stand_in.project import StandInProject

DOMAIN = "dev-two-access"
DEFINITION = f"stacks/Pulumi.{DOMAIN}.yaml"


def test_tells_who_deployed_what_and_why_it_was_rolled_back(project: StandInProject) -> None:
    assert f"there is no domain {DOMAIN}" in project.fail("history", DOMAIN)
    project.environment["GITHUB_ACTOR"] = "ann"
    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    *_, checkpoint = project.root.glob(f".soop/state/.pulumi/history/*/{DOMAIN}/*.checkpoint.json")
    stem, _, time = checkpoint.name.removesuffix(".checkpoint.json").rpartition("-")
    for number in range(1, 150):  # as if so many updates had been before
        shutil.copy(checkpoint, checkpoint.with_name(f"{stem}-{int(time) - number}.checkpoint.json"))
    project.write(DEFINITION, project.read(DEFINITION).replace("3.2.3", "9.0.0"))
    assert project.pulumi("up", "--yes", f"--stack={DOMAIN}").returncode != 0
    assert 100 <= len([*checkpoint.parent.glob("*.checkpoint.json")]) < 110
    project.write(DEFINITION, project.read(DEFINITION).replace("service: acc", "servicd: acc"))
    assert project.pulumi("up", "--yes", "--skip-preview", f"--stack={DOMAIN}").returncode != 0

    mistake, bad, good = json.loads(project.succeed("history", "--json", DOMAIN))
    assert mistake["result"] == "failed"
    assert "servicd" in mistake["reasons"][0]
    assert bad["who"].startswith("ann@")
    assert bad["services"] == [
        {
            "service": "access-service",
            "version": "9.0.0",
            "before": "3.2.3",
            "digest": bad["services"][0]["digest"],
            "result": "rolled back",
            "reason": "access-service-9.0.0 does not start",
        }
    ]
    assert good["services"][0]["result"] == "accepted"
    assert good["services"][0]["digest"] != bad["services"][0]["digest"]
    assert bad["seconds"] >= 0

    said = project.succeed("history", DOMAIN, "--limit", "2")
    assert "access-service  3.2.3 -> 9.0.0" in said
    assert "\n  access-service-9.0.0 does not start\n" in said
    assert "accepted" not in said
    project.succeed("status", "--refresh", DOMAIN)
    [*_, refresh] = sorted(project.root.glob(f".soop/state/.pulumi/history/*/{DOMAIN}/*.history.json"))
    stem, _, time = refresh.name.removesuffix(".history.json").rpartition("-")
    for number in range(1, 120):  # as if it had been looked at so often
        shutil.copy(refresh, refresh.with_name(f"{stem}-{int(time) + number}.history.json"))
    assert project.succeed("history", DOMAIN, "--limit", "2") == said
    assert "the last update failed" in project.succeed("status", DOMAIN)
    assert "from 1 to 1000" in project.fail("history", DOMAIN, "--limit", "0")

    project.write(DEFINITION, project.read(DEFINITION).replace("servicd", "service").replace("9.0.0", "3.2.3"))
    project.succeed("destroy", "--yes", DOMAIN)
    assert not list(project.root.glob(".soop/state/notes/**/*.jsonl"))
