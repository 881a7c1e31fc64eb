"""``pulumi import`` of a resource of ours: an entry in the state that no program declares would block every update."""

from __future__ import annotations

from tests.engine.stand_in.project import StandInProject


def test_is_refused_and_the_next_update_works(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", "dev-two-access")
    for kind, expected in {
        "Disk": "mine cannot be imported",
        "Release": "mine cannot be imported",
        "Node": "is not",
    }.items():
        words = ["import", f"soop:index:{kind}", "mine", "mine", "--yes", "--stack=dev-two-access"]
        done = project.pulumi(*words)
        assert done.returncode != 0
        assert expected in done.stdout + done.stderr
    project.succeed("deploy", "access-service-3.2.4", "dev-two-access")
