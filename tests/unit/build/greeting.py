"""The service that builds are tried with."""

from __future__ import annotations

from soop_components.build.builder import Build, build
from soop_components.build.service_source import read_source
from soop_components.project import Project

LABEL = "service_defs/greeting-service"


def built(project: Project, version: str | None = None, development: bool = False) -> Build:
    return build(project, read_source(project, LABEL), lambda _: None, version, development)


def edit(project: Project, file: str, text: str) -> None:
    (project.service_defs / "greeting-service" / file).write_text(text)


def change(project: Project, file: str, before: str, after: str) -> None:
    path = project.service_defs / "greeting-service" / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
