"""A service definition on disk, read with everything that it refers to."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from soop_components.artifact.base_image import SUITES
from soop_components.artifact.definition import PackageName
from soop_components.build.source_files import SourceFile, collect
from soop_components.errors import InvalidInput, SoopError
from soop_components.library import LoadedBlock, load_block
from soop_components.model.paths import path_problem
from soop_components.model.service import ServiceDefinition
from soop_components.model.service_checks import unknown
from soop_components.planning import guard
from soop_components.planning.component_needs import component_packages, component_sources
from soop_components.project import Project
from soop_components.reading.loader import Mistakes, read_service

_PACKAGE_NAME: TypeAdapter[str] = TypeAdapter(PackageName)


@dataclass(frozen=True)
class Source:
    """What a build or a lock starts from."""

    folder: Path
    label: str
    """The folder's name in messages, and as it is given to commands."""
    definition: ServiceDefinition
    blocks: Mapping[str, LoadedBlock]
    components: Mapping[str, Mapping[str, SourceFile]]
    """Files of each component by path in its tar."""
    smoke: Mapping[str, SourceFile]
    """Programs of the smoke tests by path."""
    packages: Mapping[str, tuple[str, ...]]
    """Debian packages that the components of each role ask for, by role."""


def read_source(project: Project, definition: str) -> Source:
    """Read a service definition, given by its folder or its name; ``InvalidInput`` has all mistakes."""
    with guard.together():
        return _read(project, _folder(project, definition))


def _read(project: Project, folder: Path) -> Source:
    label = project.name_of(folder)
    mistakes = _Findings(f"{label}/service.yaml")
    read, problems = read_service(folder, label)
    mistakes.problems += problems
    left = mistakes.found(read)
    service = left.value
    if service.base not in SUITES:
        mistakes.note("base", SoopError(unknown("base image", service.base, SUITES)))
    blocks = _blocks(folder, service, mistakes)
    if mistakes.problems:
        service = _only(service, [name for name in _built_of(service, blocks) if left.is_whole("components", name)])
    asked = {name: _packages(name, service, blocks, mistakes) for name in service.components}
    source = Source(
        folder=folder,
        label=label,
        definition=service,
        blocks=blocks,
        components={name: _files(name, folder, service, blocks, mistakes) for name in service.components},
        smoke=_smoke_files(folder, service, mistakes),
        packages={
            role: tuple(sorted({package for name in node.components for package in asked.get(name, ())}))
            for role, node in service.nodes.items()
        },
    )
    mistakes.raise_if_any()
    return source


def _built_of(service: ServiceDefinition, blocks: Mapping[str, LoadedBlock]) -> list[str]:
    """Return the components whose blocks are there."""
    return [name for name, component in service.components.items() if component.uses in blocks]


def _only(service: ServiceDefinition, components: Collection[str]) -> ServiceDefinition:
    """Return the service with these components alone, of which more can be said although it is mistaken."""
    kept = {name: component for name, component in service.components.items() if name in components}
    return service.model_copy(update={"components": kept})


class _Findings(Mistakes):
    """Mistakes that belong to keys of one file."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self._label = label

    def note(self, key: str, error: SoopError) -> None:
        texts = error.problems if isinstance(error, InvalidInput) else (error.message,)
        self.problems += [f"{self._label}: {key}: {text}" for text in texts]


def _folder(project: Project, definition: str) -> Path:
    """Return the folder that is meant; both ``access-service`` and ``service_defs/access-service`` are understood."""
    given = Path(definition)
    for folder in (given, project.service_defs / definition):
        if (folder / "service.yaml").exists():
            return folder.absolute()
    there = sorted(path.parent.name for path in project.service_defs.glob("*/service.yaml"))
    raise SoopError(
        f"{definition or 'nothing'}: there is no service.yaml in this folder",
        f"there is {', '.join(f'service_defs/{name}' for name in there)}"
        if there
        else "write service_defs/<name>/service.yaml",
    )


def _blocks(folder: Path, service: ServiceDefinition, mistakes: _Findings) -> dict[str, LoadedBlock]:
    blocks: dict[str, LoadedBlock] = {}
    refused: set[str] = set()
    for name, component in service.components.items():
        if component.uses in blocks or component.uses in refused:
            continue
        try:
            blocks[component.uses] = load_block(component.uses, folder)
        except InvalidInput as error:
            refused.add(component.uses)
            mistakes.note(f"components.{name}.uses", error)
    return dict(sorted(blocks.items()))


def _packages(
    name: str, service: ServiceDefinition, blocks: Mapping[str, LoadedBlock], mistakes: _Findings
) -> list[str]:
    component = service.components[name]
    try:
        packages = component_packages(blocks[component.uses].block, component.with_)
    except SoopError as error:
        mistakes.note(f"components.{name}", error)
        return []
    for package in packages:
        try:
            _PACKAGE_NAME.validate_python(package)
        except ValidationError:
            mistakes.note(f"components.{name}", SoopError(f"{package!r} is not the name of a Debian package"))
    return packages


def _files(
    name: str, folder: Path, service: ServiceDefinition, blocks: Mapping[str, LoadedBlock], mistakes: _Findings
) -> dict[str, SourceFile]:
    component = service.components[name]
    block = blocks[component.uses]
    files = {path: SourceFile.of(place) for path, place in block.files.items()}
    paths, problems = component_sources(block.block, component.with_)
    if problems:
        mistakes.note(f"components.{name}.with", InvalidInput(problems))
    for path in sorted(paths):
        files |= _collected(folder, path, f"components.{name}.with", mistakes)
    return files


def _smoke_files(folder: Path, service: ServiceDefinition, mistakes: _Findings) -> dict[str, SourceFile]:
    files: dict[str, SourceFile] = {}
    for index, test in enumerate(service.smoke_tests):
        if test.script is None or path_problem(test.script) or not os.path.isfile(folder / test.script):
            continue  # none, or told already
        files |= _collected(folder, test.script, f"smoke_tests[{index}].script", mistakes)
    return files


def _collected(folder: Path, path: str, key: str, mistakes: _Findings) -> dict[str, SourceFile]:
    try:
        return collect(folder, path)
    except InvalidInput as error:
        mistakes.note(key, error)
        return {}
