"""Migrations of a service definition on disk, and what a build finds wrong with them."""

from __future__ import annotations

from pathlib import Path

from soop_components.build.service_source import read_source
from soop_components.errors import InvalidInput
from soop_components.project import Project

SERVICE = """\
format: 1
service: any-service
version: 1.0.0
components: {store: {uses: postgresql, with: {database: any, password: x, migrations: sql/}}}
nodes: {database: {components: [store]}}
"""
UP, DOWN = "001_a.up.sql", "001_a.down.sql"
PLACE = "service_defs/any-service/sql/"


def problems(root: Path, files: dict[str, str | bytes], block: str = "postgresql") -> list[str]:
    """Return what is wrong with migrations, without the folder that they are in."""
    folder = root / "service_defs/any-service"
    for name, content in files.items():
        path = folder / "sql" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "service.yaml").write_text(SERVICE.replace("postgresql", block))
    try:
        read_source(Project(root), "any-service")
    except InvalidInput as error:
        found = [problem.partition(PLACE) for problem in error.problems]
    else:
        return []
    assert {before for before, _, _ in found} == {""}
    return [problem for _, _, problem in found]


def problem(root: Path, text: str | bytes, block: str = "postgresql") -> str:
    """Return the one mistake in an up-migration that has its down-migration, or nothing."""
    found = problems(root, {"001_a.up.sql": text, "001_a.down.sql": ""}, block)
    assert len(found) <= 1, found
    return found[0].removeprefix("001_a.up.sql:") if found else ""
