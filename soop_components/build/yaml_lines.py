"""Which line of ``service.yaml`` a mistake is in that was found in what was made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from soop_components.errors import SoopError
from soop_components.reading.yaml_file import read_yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ENDS = (":", ".", "[", " ")
"""What follows a path of keys in a mistake: the mistake, what is below in it, or what it is about."""
_ITEM = re.compile(r"/([0-9]+)(?=[:./ ])")
"""An item of a list as templates name it."""


def placed(problems: Iterable[str], reference: str, folder: Path, label: str) -> list[str]:
    """Name the file and the line of mistakes that begin with the artifact's name and a path of keys."""
    name = f"{label}/service.yaml"
    lines = sorted(_lines(folder / "service.yaml", name), reverse=True)
    found = []
    for problem in problems:
        head, separator, rest = problem.partition(f"{reference}: ")
        if head or not separator:
            found.append(problem)
            continue
        place = _ITEM.sub(r"[\1]", rest)
        line = next((line for path, line in lines if place.startswith(tuple(path + end for end in _ENDS))), None)
        found.append(f"{name}: line {line}: {rest}" if line else f"{name}: {rest}")
    return found


def _lines(path: Path, label: str) -> list[tuple[str, int]]:
    """Return paths of keys and their lines; of a file that changed since and is none any more, nothing."""
    try:
        read_yaml(path, label)  # bounds it, and refuses what a tree of nodes could be large or endless by
        return list(_keys(yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_LOADER), ""))
    except (SoopError, OSError, ValueError, yaml.YAMLError):
        return []


def _keys(node: yaml.Node | None, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{path}.{key.value}" if path else str(key.value)
            yield inner, key.start_mark.line + 1
            yield from _keys(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            inner = f"{path}[{number}]"
            yield inner, value.start_mark.line + 1
            yield from _keys(value, inner)
