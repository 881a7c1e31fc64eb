"""The library of building blocks: one folder each, with ``block.yaml``, templates and scripts.

A service brings blocks of its own in ``blocks/<name>/`` beside its ``service.yaml``, in the same format, and names
folders of others (``block_collections.py``). Where several have a block of one name the service's own is used, then
theirs, so that a block added to the library later never changes what a service means. An artifact holds the blocks
that it was built with.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soop_components.errors import InvalidInput
from soop_components.model.block import Block, packed_path
from soop_components.model.names import KEY
from soop_components.model.problem import Problem, unknown
from soop_components.reading.loader import load_model
from soop_components.reading.yaml_file import read_yaml

LIBRARY = Path(__file__).parent
_MAXIMUM_FILE = 1024 * 1024


@dataclass(frozen=True)
class LoadedBlock:
    """A block as it was found on disk."""

    block: Block
    """With the text of its templates in it."""
    folder: Path
    files: Mapping[str, Path]
    """What goes into the blob of each component that uses it: path there, ``.block/<block>/<file>``, and the file, or
    the folder of a Python package that becomes one there."""


def load_block(name: str, service: Path | None = None, others: Sequence[Path] = ()) -> LoadedBlock:
    """Load a block of the service definition in the folder ``service``, or else of ``others`` or of the library.

    ``InvalidInput`` has every mistake in it, or names the blocks that there are.
    """
    places = _places(service, others)
    found = next((place for place in places if (place / name).is_dir()), None) if re.fullmatch(KEY, name) else None
    if found is None:
        raise InvalidInput([unknown("block", name, block_names(service, others))])
    above = f"{found.parent.name}/" if found in others else ""
    return _load(found / name, f"{above}{found.name}/{name}")


def _places(service: Path | None, others: Sequence[Path]) -> list[Path]:
    return [*([service / "blocks"] if service is not None else []), *others, LIBRARY]


def block_names(service: Path | None = None, others: Sequence[Path] = ()) -> list[str]:
    """Return the names of the blocks that a service definition can use."""
    folders = _places(service, others)
    return sorted({file.parent.name for folder in folders for file in folder.glob("*/block.yaml")})


def _load(folder: Path, label: str) -> LoadedBlock:
    document = read_yaml(folder / "block.yaml", f"{label}/block.yaml")
    if isinstance(document.data, dict) and "templates" in document.data:
        document.problems.append(f"{label}/block.yaml: templates: unknown key; *.j2 files are found by themselves")
    block = load_model(Block, document, f"{label}/block.yaml", lambda found: _problems(found, folder))
    templates = {path.relative_to(folder).as_posix(): _text(path, label) for path in sorted(folder.rglob("*.j2"))}
    files = {packed_path(block.block, name): folder / name for name in block.programs()}
    return LoadedBlock(block.model_copy(update={"templates": templates}), folder, files)


def _problems(block: Block, folder: Path) -> list[Problem]:
    """Return what does not fit the block's folder."""
    problems = []
    if block.block != folder.name:
        problems.append(Problem(("block",), f"expected {folder.name}, as the folder is called"))
    found = (_program_problem(name, folder) for name in block.programs())
    return problems + [Problem(("scripts",), problem) for problem in found if problem]


def _program_problem(name: str, folder: Path) -> str | None:
    """Say why a program of a block cannot be packed: a file, or a folder with a Python package."""
    path = folder / name
    if not os.path.isdir(path):
        return None if _is_inside(path, folder) else f"the block has no file {name}"
    if not _is_inside(path / "__main__.py", folder):
        return f"the folder {name} is no program: it has no file __main__.py"
    if not path.name.isidentifier():
        return f"the folder {name} is no Python package: expected a name of letters, digits and _"
    outside = [each for each in sorted(path.rglob("*.py")) if not _is_inside(each, folder)]
    return f"{outside[0].relative_to(folder)} is not a file in the block's folder" if outside else None


def _is_inside(path: Path, folder: Path) -> bool:
    """Return whether a file is in a block's folder; blocks of the library may share some, by links among themselves."""
    home = LIBRARY if folder.is_relative_to(LIBRARY) else folder
    return os.path.isfile(path) and path.resolve().is_relative_to(home.resolve())


def _text(path: Path, label: str) -> str:
    name = f"{label}/{path.name}"
    inside = LIBRARY if path.is_relative_to(LIBRARY) else path.parent  # blocks of the library share templates by links
    if not _is_inside(path, inside) or path.stat().st_size > _MAXIMUM_FILE:
        raise InvalidInput([f"{name}: expected a file of at most 1 MiB inside the block's folder"])
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput([f"{name}: expected UTF-8 text"]) from None
