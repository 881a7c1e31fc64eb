"""The Python packages that an application asks for, as its requirements.txt or its pyproject.toml says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from soop_components.errors import InvalidInput
from soop_components.model.names import shown

FILES = ("requirements.txt", "pyproject.toml")
_MAXIMUM_FILE = 1024 * 1024
_ELSEWHERE = re.compile(r"@\s*\S+:|^[./~]|^\S+://")
"""A requirement that names an address or a path."""


def requirements_of(folder: Path, label: str) -> tuple[str, ...]:
    """Return the requirements of the application in a folder, which is ``label`` in mistakes."""
    found = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if found is None:
        raise InvalidInput([f"{label}: has neither {FILES[0]} nor {FILES[1]}, which say what Python packages it needs"])
    name = f"{label.rstrip('/')}/{found.name}"
    try:
        if found.stat().st_size > _MAXIMUM_FILE:
            raise InvalidInput([f"{name}: expected at most 1 MiB"])
        text = found.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput([f"{name}: expected UTF-8 text"]) from None
    lines = _listed(text, name) if found.name == FILES[0] else _of_project(text, name)
    problems = [f"{name}: {problem}" for line in lines if (problem := _problem(line))]
    if problems:
        raise InvalidInput(problems)
    return tuple(dict.fromkeys(lines))


def _listed(text: str, name: str) -> list[str]:
    """Return the lines of a requirements.txt, without comments, and without hashes, which a lock has itself."""
    joined = text.replace("\r\n", "\n").replace("\\\n", " ")
    lines = (re.sub(r"(?:^|\s)#.*|\s--hash=\S+", "", line).strip() for line in joined.split("\n"))
    return [line for line in lines if line]


def _of_project(text: str, name: str) -> list[str]:
    """Return the dependencies of a pyproject.toml."""
    try:
        project = tomllib.loads(text).get("project")
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput([f"{name}: {error}"]) from None
    if not isinstance(project, dict):
        raise InvalidInput([f"{name}: has no table [project]; list what the application needs in {FILES[0]} beside it"])
    if "dependencies" in (project.get("dynamic") or ()):
        raise InvalidInput(
            [
                f"{name}: project.dependencies are dynamic: only a build of the application knows them;"
                f" list them there, or in {FILES[0]} beside it"
            ]
        )
    found = project.get("dependencies", [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InvalidInput([f"{name}: project.dependencies: expected a list of texts"])
    return [each.strip() for each in found]


def _problem(line: str) -> str | None:
    if line.startswith("-"):
        return f"{shown(line)}: options are not read; write each package on a line, addresses belong to uv and pip"
    if _ELSEWHERE.search(line):
        return f"{shown(line)}: expected a package of a package index, by its name"
    return None if line.isprintable() else f"{shown(line)}: expected a requirement such as flask>=3"
