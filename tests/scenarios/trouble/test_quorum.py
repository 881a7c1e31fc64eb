"""Clustered software under a writer: nodes join, are upgraded, replaced, and leave by their hooks alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.scenarios.meanwhile import meanwhile
from tests.scenarios.trouble.beacon import Beacon
from tests.scenarios.workspace import NO_ANSWER, Workspace, eventually, get

SERVICE = "quorum-service"
DOMAIN = "dev-quorum"


def define(project: Workspace, version: str, nodes: int) -> None:
    """Write the domain definition; the engine's own lines in it stay."""
    stack = project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    kept = stack.read_text() if stack.exists() else ""
    salt = "".join(line for line in kept.splitlines(keepends=True) if line.startswith("encryptionsalt:"))
    stack.write_text(
        "config:\n  soop:environment: dev\n  soop:services:\n"
        f"    - service: {SERVICE}-{version}\n      nodes: {{member: {nodes}}}\n{salt}"
    )


def states(project: Workspace) -> list[dict[str, Any]]:
    """Return what each member knows."""
    return [get(f"{url}/state")[1] for url in project.service(DOMAIN, SERVICE)["endpoints"]["http"]]


def is_exact(project: Workspace, version: str, numbers: tuple[int, ...]) -> None:
    """See that these are the members, that all of them know it, and that nobody is out."""
    names = [f"member-{number}.{SERVICE}.{DOMAIN}" for number in numbers]
    found = states(project)
    assert [(each["node"], each["version"], each["members"], each["out"]) for each in found] == [
        (name, version, names, None) for name in names
    ]
    assert len({each["serial"] for each in found}) == 1


@contextmanager
def writing(urls: list[str]) -> Iterator[tuple[list[int], list[object]]]:
    """Write numbers to one of these members, the next one if it is away; yields the acknowledged ones, and faults."""
    acknowledged: list[int] = []
    faults: list[object] = []
    numbers = count()

    def write() -> None:
        number = next(numbers)
        for url in urls:
            try:
                status = get(f"{url}/rows/{number}", "PUT")[0]
            except NO_ANSWER:
                continue
            acknowledged.append(number) if status == 200 else faults.append((number, status))
            return
        faults.append((number, "nobody answers"))

    with meanwhile(write):
        yield acknowledged, faults


def test_members_are_exact_and_most_of_them_always_there(project: Workspace, domains: tuple[Beacon, Beacon]) -> None:
    others = [beacon.since() for beacon in domains]
    folder = project.root / "service_defs" / SERVICE
    shutil.copytree(Path(__file__).parent / "service_defs" / SERVICE, folder)
    project.must("soop", "lock", str(folder))
    for version in ("1.0.0", "1.1.0"):
        project.must("soop", "build", "--version", version, str(folder))
    define(project, "1.0.0", 3)
    project.must("soop", "deploy", "--yes", f"{SERVICE}-1.0.0", DOMAIN)
    is_exact(project, "1.0.0", (1, 2, 3))
    with writing(project.service(DOMAIN, SERVICE)["endpoints"]["http"]) as (acknowledged, faults):
        define(project, "1.0.0", 4)
        project.up(DOMAIN)
        is_exact(project, "1.0.0", (1, 2, 3, 4))
        define(project, "1.1.0", 4)
        project.up(DOMAIN)
        is_exact(project, "1.1.0", (1, 2, 3, 4))
        project.must("soop", "replace", "--yes", f"member-2.{SERVICE}.{DOMAIN}")
        is_exact(project, "1.1.0", (1, 2, 3, 4))
        define(project, "1.1.0", 3)
        project.up(DOMAIN)
        is_exact(project, "1.1.0", (1, 2, 3))
        before = len(acknowledged)
        eventually(lambda: len(acknowledged) > before or faults, 120)
    assert faults == []
    kept = [set(state["rows"]) for state in states(project)]
    assert [row for row in acknowledged if sum(row in rows for rows in kept) < 2] == []
    assert project.changes(DOMAIN) == {}
    assert [beacon.since() for beacon in domains] == others
    project.must("soop", "destroy", "--yes", DOMAIN)
