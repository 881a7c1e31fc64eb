"""A service definition on disk, read with everything that it refers to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from soop_components.artifact.base_image import SUITES
from soop_components.artifact.definition import PackageName
from soop_components.build.migrations import declared_migrations, migration_problems
from soop_components.build.python_requirements import requirements_of
from soop_components.build.source_files import SourceFile, collect, line_end_problem
from soop_components.errors import SoopError
from soop_components.library import LoadedBlock, load_block
from soop_components.library.block_collections import collection_folder
from soop_components.model.data import Migration
from soop_components.model.paths import path_problem
from soop_components.model.plan import PackageVersion
from soop_components.model.problem import path_text, unknown
from soop_components.model.service import Component, ServiceDefinition
from soop_components.planning import limits
from soop_components.planning.component_needs import (
    AskedPackage,
    component_application,
    component_packages,
    component_sources,
    merged_packages,
)
from soop_components.project import Project
from soop_components.reading.loader import read_service
from soop_components.reading.mistakes import Mistakes

_NAME: TypeAdapter[str] = TypeAdapter(PackageName)
_VERSION: TypeAdapter[str] = TypeAdapter(PackageVersion)
Anything = TypeVar("Anything")


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
    """Programs of the smoke tests and hooks by path."""
    migrations: tuple[Migration, ...]
    """Those of all components, in order."""
    packages: Mapping[str, tuple[AskedPackage, ...]]
    """Debian packages that the components of each role ask for, by role."""
    python: Mapping[str, tuple[str, ...]]
    """Python packages that components ask for, as their applications say it, by component."""
    notes: tuple[str, ...]
    """What people should know although nothing is wrong with the definition."""


def read_source(project: Project, definition: str) -> Source:
    """Read a service definition, given by its folder or its name; ``InvalidInput`` has all mistakes."""
    folder = _folder(project, definition)
    return _Reader(folder, project.name_of(folder)).read()


def _folder(project: Project, definition: str) -> Path:
    """Return the folder that is meant; both ``access-service`` and ``service_defs/access-service`` are understood."""
    for folder in (Path(definition), project.service_defs / definition):
        if (folder / "service.yaml").exists():
            return folder.absolute()
    there = [f"service_defs/{path.parent.name}" for path in sorted(project.service_defs.glob("*/service.yaml"))]
    advice = f"there is {', '.join(there)}" if there else "write service_defs/<name>/service.yaml"
    raise SoopError(f"{definition or 'nothing'}: there is no service.yaml in this folder", advice)


class _Reader:
    """Reads all parts of a service definition, and notes the mistakes of all of them."""

    def __init__(self, folder: Path, label: str) -> None:
        self._folder = folder
        self._label = label
        self._mistakes = Mistakes()
        self._notes: list[str] = []

    def read(self) -> Source:
        read = self._mistakes.require(read_service(self._folder, self._label, self._mistakes))
        service = read.model
        if service.base not in SUITES:
            self._note("base", unknown("base image", service.base, SUITES))
        blocks = self._blocks(service)
        usable = {
            name: (component, blocks[component.uses])
            for name, component in service.components.items()
            if component.uses in blocks and read.has_all_of("components", name)
        }
        with limits.per_service():
            packages = {name: self._packages(name, *each, service.base) for name, each in usable.items()}
        self._one_version_each(packages)
        components = {name: self._files(name, *each) for name, each in usable.items()}
        source = Source(
            folder=self._folder,
            label=self._label,
            definition=service,
            blocks=blocks,
            components=components,
            smoke=self._programs(service),
            migrations=tuple(
                migration
                for name, each in usable.items()
                for migration in declared_migrations(name, *each, components[name])
            ),
            packages={
                role: merged_packages(package for name in node.components for package in packages.get(name, ()))
                for role, node in service.nodes.items()
            },
            python={
                name: lines
                for name, each in usable.items()
                if (lines := self._python(name, *each, service.base)) is not None
            },
            notes=tuple(dict.fromkeys(self._notes)),
        )
        return self._mistakes.finish(source)

    def _note(self, key: str, *problems: str) -> None:
        self._mistakes.problems += [f"{self._label}/service.yaml: {key}: {problem}" for problem in problems]

    def _attempt(self, key: str, read: Callable[[], Anything]) -> Anything | None:
        return self._mistakes.attempt(read, f"{self._label}/service.yaml: {key}")

    def _blocks(self, service: ServiceDefinition) -> dict[str, LoadedBlock]:
        others: list[Path] = []
        for index, wanted in enumerate(service.blocks):
            place = path_text(("blocks", index))
            found = self._attempt(place, partial(collection_folder, self._folder, wanted))
            others += [] if found is None else [found]
        if len(others) < len(service.blocks):
            return {}  # which blocks there are is not known
        first_user: dict[str, str] = {}
        for name, component in service.components.items():
            first_user.setdefault(component.uses, name)
        blocks: dict[str, LoadedBlock] = {}
        for block, name in first_user.items():
            loaded = self._attempt(f"components.{name}.uses", partial(load_block, block, self._folder, others))
            if loaded is not None:
                blocks[block] = loaded
        return dict(sorted(blocks.items()))

    def _packages(self, name: str, component: Component, block: LoadedBlock, base: str) -> tuple[AskedPackage, ...]:
        key = f"components.{name}"
        packages = self._attempt(key, lambda: component_packages(block.block, component.with_, base)) or ()
        for package in packages:
            checks = [(_NAME, "name", package.name)]
            checks += [] if package.version is None else [(_VERSION, "version", package.version)]
            for kind, what, value in checks:
                try:
                    kind.validate_python(value)
                except ValidationError:
                    self._note(key, f"{value!r} is not the {what} of a Debian package")
        return packages

    def _one_version_each(self, packages: Mapping[str, Sequence[AskedPackage]]) -> None:
        """Note packages of which two components want different versions: an artifact has one of each."""
        first: dict[str, tuple[str, str]] = {}
        for component, asked in packages.items():
            for each in asked:
                if each.version is not None:
                    other, version = first.setdefault(each.name, (component, each.version))
                    if version != each.version:
                        wants = f"{each.name} is to have version {each.version}, and {version} in components.{other}"
                        self._note(f"components.{component}", wants)

    def _python(self, name: str, component: Component, block: LoadedBlock, base: str) -> tuple[str, ...] | None:
        key = f"components.{name}"
        path = self._attempt(key, lambda: component_application(block.block, component.with_, base))
        if path is None or not (self._folder / path).exists():
            return None
        label = f"{self._label}/{path}"
        return self._mistakes.attempt(lambda: requirements_of(self._folder / path, label))

    def _files(self, name: str, component: Component, block: LoadedBlock) -> dict[str, SourceFile]:
        key = f"components.{name}.with"
        files = {path: SourceFile.of(place) for path, place in block.files.items()}
        for path, place in block.files.items():
            if problem := line_end_problem(place):
                self._note(f"components.{name}.uses", f"{path.removeprefix('.block/')}: {problem}")
        paths, problems = component_sources(block.block, component.with_)
        self._note(key, *problems)
        for path in sorted(paths):
            files |= self._collected(path, key)
        self._mistakes.problems += migration_problems(self._label, component, block, files)
        return files

    def _programs(self, service: ServiceDefinition) -> dict[str, SourceFile]:
        files: dict[str, SourceFile] = {}
        for place, path in service.programs.items():
            if not path_problem(path) and os.path.isfile(self._folder / path):  # otherwise it was reported already
                files |= self._collected(path, path_text(place))
        return files

    def _collected(self, path: str, key: str) -> dict[str, SourceFile]:
        return self._attempt(key, lambda: collect(self._folder, path, self._notes)) or {}
