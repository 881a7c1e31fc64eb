"""The rooms of the house from the ground up: a module imports from its own room and from those listed above it here."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "soop_components"

ROOMS = [
    "errors",
    "secret",
    "waiting",
    "whole_file",
    "runner",  # travels to nodes: the standard library and itself, see below
    "model",  # no input and output, see below
    "reading",
    "project",
    "history",
    "machines",  # what a kind is, and the list of kinds
    "library",
    "artifact",
    "planning",
    "build",
    "deployment",
    "transport",
    "plugin",
    "release",
    "preview",
    "components",
    "provider",
    "engine",
    "branch",
    "setup",
    "schema",
    "starter",
    "cli",
    "machines.cloud_init",  # what kinds share
    "machines.host",  # as well
    "machines.ssh",
    "machines.libvirt",
    "machines.aws",
    "machines.local",  # a kind is loaded by its name in the list, so nothing imports it
]

APART = [("provider", "components"), ("components", "provider"), ("planning", "build"), ("cli", "provider")]
"""Rooms that import nothing of each other, whichever is higher: they run in different processes, or are pure."""

ALONE = [
    PACKAGE / "runner",
    PACKAGE / "machines/local/root_helper",
    PACKAGE / "machines/host/on_host",
    PACKAGE / "setup/debian.py",
    PACKAGE / "setup/virtual_disk.py",
]
"""What is copied elsewhere or run by another Python: the standard library and modules beside it, no more."""

WITHOUT_FILES = PACKAGE / "model"
INPUT_AND_OUTPUT = {"asyncio", "io", "os", "pathlib", "shutil", "socket", "subprocess", "sys", "tempfile", "yaml"}


FOR_THE_TYPE_CHECKER = [("machines", "soop_components.provider.resource.Resource")]
"""What a room names in a signature without loading it."""


def room_of(words: Sequence[str]) -> str:
    """Return the room of a module, whose dotted name has these words; each kind of machines has one of its own."""
    return ".".join(words[:2]) if words[0] == "machines" and (PACKAGE / "/".join(words[:2])).is_dir() else words[0]


class Arrow(NamedTuple):
    """One module imports another; both by their dotted names."""

    path: Path
    line: int
    imported: str

    @property
    def room(self) -> str:
        return room_of(self.path.relative_to(PACKAGE).with_suffix("").parts)

    @property
    def target(self) -> str | None:
        """The room that it leads to; None for other packages, and for the version, which everybody may ask for."""
        words = self.imported.split(".")
        return room_of(words[1:]) if words[0] == "soop_components" and words[1:] and words[1].islower() else None

    def __str__(self) -> str:
        return f"{self.path.relative_to(PACKAGE)}:{self.line} imports {self.imported}"


def arrows_of(path: Path, source: str) -> Iterator[Arrow]:
    """Draw an arrow for every import in a module, those inside of functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Arrow(path, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = ".".join(["soop_components", *path.relative_to(PACKAGE).parts[: -node.level], module]).rstrip(
                    "."
                )
            yield from (Arrow(path, node.lineno, f"{module}.{alias.name}") for alias in node.names)


def modules(folder: Path) -> list[Path]:
    """Return the modules of the program; what `soop init` copies into a project is not one of them."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.py"))
    return [file for file in files if not file.is_relative_to(PACKAGE / "starter") or file.parent.name == "starter"]


def arrows(folder: Path = PACKAGE) -> list[Arrow]:
    return [arrow for path in modules(folder) for arrow in arrows_of(path, path.read_text())]


def runs_up(arrow: Arrow) -> bool:
    if arrow.target is None or arrow.room in ("__init__", arrow.target):
        return False
    if (arrow.room, arrow.imported) in FOR_THE_TYPE_CHECKER:
        return False
    return ROOMS.index(arrow.target) > ROOMS.index(arrow.room) or (arrow.room, arrow.target) in APART


def test_every_room_is_in_the_list() -> None:
    found = {room_of(path.relative_to(PACKAGE).with_suffix("").parts) for path in modules(PACKAGE)}
    assert found == {*ROOMS, "__init__"}


def test_no_import_runs_up() -> None:
    assert [str(each) for each in arrows() if runs_up(each)] == []


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("model/service.py", "from soop_components.reading.problems import problems_of"),
        ("model/service.py", "import soop_components.project"),
        ("planning/service.py", "def plan():\n    from soop_components.build import builder"),
        ("artifact/store.py", "from soop_components import planning"),
        ("provider/release.py", "from soop_components.components.node import Node"),
        ("engine/recovery.py", "from soop_components.machines.local import local_machines"),
        ("machines/kinds.py", "from soop_components.machines.local.kind import KIND"),
        ("cli/clean.py", "from soop_components.provider.servicer import Servicer"),
        ("model/service.py", "from ..reading import loader"),
    ],
)
def test_an_import_that_runs_up_is_seen(module: str, statement: str) -> None:
    assert [runs_up(arrow) for arrow in arrows_of(PACKAGE / module, statement)] == [True]


def test_the_model_reads_and_writes_nothing() -> None:
    found = [str(each) for each in arrows(WITHOUT_FILES) if each.imported.split(".")[0] in INPUT_AND_OUTPUT]
    for path in modules(WITHOUT_FILES):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        found += [f"{path.name} opens a file" for name in calls if isinstance(name, ast.Name) and name.id == "open"]
    assert found == []


@pytest.mark.parametrize("place", ALONE, ids=lambda place: str(place.relative_to(PACKAGE)))
def test_what_stands_alone_imports_only_itself(place: Path) -> None:
    own = ".".join(["soop_components", *place.relative_to(PACKAGE).with_suffix("").parts])
    found = [each for each in arrows(place) if each.imported.split(".")[0] not in sys.stdlib_module_names]
    assert [str(each) for each in found if not each.imported.startswith(f"{own}.")] == []
