"""Builds a service definition: once, out of its sources and its lock and nothing else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from soop_components.artifact import oci
from soop_components.artifact.definition import PackedFile, PackedFiles, ResolvedDefinition
from soop_components.artifact.layout import HashingFile, Writer
from soop_components.artifact.manifest_check import size_problem
from soop_components.artifact.store import Store
from soop_components.build import Progress
from soop_components.build.apt import Apt
from soop_components.build.package_cache import PackageCache
from soop_components.build.service_lock import FILE, Lock, LockedPython, LockedWheel, advice_for, load_lock
from soop_components.build.service_source import Source
from soop_components.build.source_files import SourceFile
from soop_components.build.tar_writer import pack
from soop_components.build.trial import try_plan
from soop_components.build.wheels import WheelCache
from soop_components.errors import InvalidInput, SoopError
from soop_components.model.block import WHEELS
from soop_components.model.names import Reference
from soop_components.model.plan import Package
from soop_components.model.service import ServiceDefinition
from soop_components.model.versions import next_patch
from soop_components.planning.place import Place
from soop_components.project import Project
from soop_components.reading.yaml_file import read_yaml

_HASH_CHARACTERS = 12


@dataclass(frozen=True)
class Build:
    """What a build ended with."""

    reference: Reference
    digest: str
    is_new: bool
    """Whether the store did not have it before."""
    instead_of: str | None = None
    """The version that was built already with other content, so that this became a development version."""


def build(
    project: Project, source: Source, progress: Progress, version: str | None = None, development: bool = False
) -> Build:
    """Build into the project's store.

    An edit of a version that was built already becomes ``<next patch>-dev.<digest of the content>``, as does everything
    if ``development`` is asked for. Other content under a ``version`` that was asked for is refused.
    """
    for note in source.notes:
        progress(note)
    lock = _lock_of(source)
    store = Store.of(project)
    _try(source, lock, store)
    cache = PackageCache(project.cache / "debs", [store.layout.path / "blobs" / "sha256"])
    files = cache.fetch(lock.packages, lambda: Apt.of(project, lock.base.name), source.label, progress)
    wheels = WheelCache(project.cache / "wheels", [store.layout.path / "blobs" / "sha256"])
    files |= wheels.fetch(lock.base.name, _wheels(lock), source.label, progress)
    progress("packing")
    with store.layout.writing() as writer:
        return _Assembly(source, lock, store, writer, files).finish(version, development)


def _lock_of(source: Source) -> Lock:
    """Return the lock beside the definition, which must fit it."""
    lock = load_lock(source.folder, source.label)
    advice = f"run: soop lock {source.label}"
    if lock is None:
        raise SoopError(f"{source.label} has no {FILE}, which says which Debian packages are built in", advice)
    problems = lock.mismatches(source.definition.base, source.packages) + lock.python_mismatches(source.python)
    if problems:
        raise InvalidInput([f"{source.label}/{FILE}: {problem}" for problem in problems], advice)
    return lock


def _try(source: Source, lock: Lock, store: Store) -> None:
    """Plan once, before packages are fetched; mistakes name their lines."""
    with open(os.devnull, "wb") as nowhere:
        components = {
            name: _packed(files, HashingFile(nowhere), lock.python.get(name))
            for name, files in source.components.items()
        }
        smoke = _packed(source.smoke, HashingFile(nowhere)) if source.smoke else None
    name = f"{source.label}/service.yaml"
    where = Place(name, lines=read_yaml(source.folder / "service.yaml", name).lines)
    try_plan(_resolved(source, lock, components, smoke), store, where)


def _wheels(lock: Lock) -> list[LockedWheel]:
    """Return the wheels of all components; two may have one in common."""
    found = {wheel.sha256: wheel for python in lock.python.values() for wheel in python.wheels}
    return [found[sha256] for sha256 in sorted(found)]


def _packed(files: Mapping[str, SourceFile], target: HashingFile, python: LockedPython | None = None) -> PackedFiles:
    """Write a tar of the files, and return what it, the links and the wheels beside it are."""
    packed = pack({path: file for path, file in files.items() if file.link is None}, target)
    links = {path: file.link for path, file in sorted(files.items()) if file.link is not None}
    wheels = python.wheels if python else ()
    apart = {f"{WHEELS}{each.file}": PackedFile(digest=f"sha256:{each.sha256}", size=each.size) for each in wheels}
    return PackedFiles(blob=target.digest, files=packed, links=links, apart=apart)


def _resolved(
    source: Source, lock: Lock, components: Mapping[str, PackedFiles], smoke: PackedFiles | None
) -> ResolvedDefinition:
    return ResolvedDefinition(
        definition=source.definition,
        blocks={name: loaded.block for name, loaded in source.blocks.items()},
        components=dict(components),
        smoke=smoke,
        migrations=source.migrations,
        packages={
            name: Package(
                version=each.version, architecture=each.architecture, digest=f"sha256:{each.sha256}", size=each.size
            )
            for name, each in sorted(lock.packages.items())
        },
        roles_packages={role: lock.roles[role].packages for role in sorted(lock.roles)},
        base_packages={role: names for role in sorted(lock.roles) if (names := lock.roles[role].of_the_base)},
        base=lock.base,
    )


class _Assembly:
    """The parts of one artifact, written but not yet published."""

    def __init__(self, source: Source, lock: Lock, store: Store, writer: Writer, files: Mapping[str, Path]) -> None:
        self._source = source
        self._store = store
        self._writer = writer
        self._layers: list[oci.Descriptor] = []
        components = {
            name: self._tar(name, source.components[name], lock.python.get(name)) for name in sorted(source.components)
        }
        smoke = self._tar("smoke", source.smoke) if source.smoke else None
        for name in sorted(lock.packages):
            self._package(lock, name, files[name])
        for wheel in _wheels(lock):
            self._wheel(wheel, files[wheel.sha256])
        self._resolved = _resolved(source, lock, components, smoke)
        problem = size_problem(self._layers)
        if problem:
            raise SoopError(f"{source.label}: {problem}", "leave large files out, and let a script fetch them")

    def finish(self, version: str | None, development: bool) -> Build:
        """Choose the version, and publish unless the store has the same already."""
        wanted = version or self._source.definition.version
        instead_of = None
        if development:
            wanted = self._development_version(wanted)
        entry = self._entry(wanted)
        existing = self._store.find(self._reference(wanted))
        if existing is not None and existing.digest != entry.digest and version is None and not development:
            instead_of, wanted = wanted, self._development_version(wanted)
            entry = self._entry(wanted)
            existing = self._store.find(self._reference(wanted))
        if existing is not None and existing.digest != entry.digest:
            raise SoopError(
                f"{self._reference(wanted)} is built already, with other content ({existing.digest})",
                "what was built never changes: choose another version, or omit --version for a development version",
            )
        if existing is None or self._store.problems(existing):
            self._writer.publish(entry)
        return Build(self._reference(wanted), entry.digest, existing is None, instead_of)

    def _reference(self, version: str) -> Reference:
        return Reference(self._source.definition.service, version)

    def _development_version(self, version: str) -> str:
        """Name the content: the same edit has the same version, wherever and whenever it is built."""
        digest = hashlib.sha256(self._definition("0.0.0")).hexdigest()
        return f"{next_patch(version)}-dev.{digest[:_HASH_CHARACTERS]}"

    def _definition(self, version: str) -> bytes:
        """Return the config blob. Defaults are left out: they belong to the format, and a new key changes no digest."""
        definition = self._resolved.definition.model_copy(update={"version": version})
        resolved = self._resolved.model_copy(update={"definition": definition})
        return oci.canonical({"format": 1, **resolved.model_dump(mode="json", by_alias=True, exclude_defaults=True)})

    def _entry(self, version: str) -> oci.Descriptor:
        """Write definition and manifest for a version, and return what the index will say."""
        digest, size = self._writer.add(self._definition(version))
        definition: ServiceDefinition = self._source.definition
        annotations = {oci.TITLE: definition.service, oci.VERSION: version}
        if definition.summary:
            annotations[oci.DESCRIPTION] = definition.summary
        manifest = oci.Manifest(
            config=oci.Descriptor(mediaType=oci.DEFINITION, digest=digest, size=size),
            layers=tuple(self._layers),
            annotations=annotations,
        )
        digest, size = self._writer.add(oci.shape_bytes(manifest))
        return oci.Descriptor(
            mediaType=oci.MANIFEST,
            digest=digest,
            size=size,
            artifactType=oci.ARTIFACT,
            annotations={oci.REFERENCE_NAME: str(self._reference(version))},
        )

    def _tar(self, title: str, files: Mapping[str, SourceFile], python: LockedPython | None = None) -> PackedFiles:
        with self._writer.stream() as blob:
            packed = _packed(files, blob, python)
        self._layer(oci.COMPONENT, blob.digest, blob.size, title)
        return packed

    def _package(self, lock: Lock, name: str, path: Path) -> None:
        locked = lock.packages[name]
        digest, size = self._writer.add_file(path)
        if digest != f"sha256:{locked.sha256}":
            raise SoopError(f"package {name} {locked.version} is not what was locked", "run soop build again")
        if size != locked.size:
            problem = f"{self._source.label}/{FILE}: packages.{name}.size: expected {size} (got {locked.size})"
            raise InvalidInput([problem], advice_for(self._source.label))
        self._layer(oci.PACKAGE, digest, size, locked.file)

    def _wheel(self, locked: LockedWheel, path: Path) -> None:
        digest, size = self._writer.add_file(path)
        if size != locked.size:
            problem = f"{self._source.label}/{FILE}: {locked.file}: size: expected {size} (got {locked.size})"
            raise InvalidInput([problem], advice_for(self._source.label))
        self._layer(oci.FILE, digest, size, locked.file)

    def _layer(self, media_type: str, digest: str, size: int, title: str) -> None:
        named = {oci.TITLE: title}
        self._layers.append(oci.Descriptor(mediaType=media_type, digest=digest, size=size, annotations=named))
