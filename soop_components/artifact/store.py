"""The artifact store: what was built, by name and version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from soop_components.artifact import oci
from soop_components.artifact.definition import ResolvedDefinition
from soop_components.artifact.layout import BrokenBlob, Layout
from soop_components.artifact.manifest_check import definition_problem, size_problem, tars, type_problem
from soop_components.artifact.tar_check import tar_problem
from soop_components.artifact.verified_blobs import VerifiedBlobs
from soop_components.errors import InvalidInput, SoopError
from soop_components.model.names import Reference, did_you_mean
from soop_components.model.service import ServiceDefinition
from soop_components.model.service_checks import service_problems
from soop_components.model.versions import version_key
from soop_components.project import Project
from soop_components.reading.loader import load_service

Problems: TypeAlias = list[str]
_ADVICE = "build it again with soop build, or copy it again from where it came; soop verify checks all of the store"


@dataclass(frozen=True)
class Entry:
    """One artifact of a store."""

    reference: Reference
    digest: str
    """Of its manifest: the artifact's identity."""
    stored: datetime | None
    """When it came into this store; None if its manifest is missing."""


@dataclass(frozen=True)
class Artifact:
    """An artifact that was opened and checked; blobs are checked when they are used."""

    reference: Reference
    digest: str
    resolved: ResolvedDefinition
    manifest: oci.Manifest
    layout: Layout

    @property
    def definition(self) -> ServiceDefinition:
        """The service definition as built."""
        return self.resolved.definition

    def blob_path(self, digest: str) -> Path:
        """Return the path of one of the artifact's blobs after checking its size and digest."""
        layer = next((layer for layer in self.manifest.layers if layer.digest == digest), None)
        if layer is None:
            raise SoopError(f"artifact {self.reference} has no blob {digest}")
        try:
            return self.layout.blob(layer)
        except BrokenBlob as error:
            raise _broken(self.reference, error) from None

    def problems(self) -> Problems:
        """Check every blob, and that the tars hold what the definition says and nothing else."""
        found: Problems = []
        listed = {files.blob: files.files for files in tars(self.resolved).values()}
        for layer in self.manifest.layers:
            try:
                path = self.layout.blob(layer)
                problem = tar_problem(path, listed[layer.digest]) if layer.digest in listed else None
                problem = problem and f"blob {layer.digest} is not what its definition says: {problem}"
            except BrokenBlob as error:
                problem = error.message
            if problem:
                found.append(f"{problem} ({(layer.annotations or {}).get(oci.TITLE, layer.media_type)})")
        return found

    def size(self) -> int:
        """Return the bytes of all blobs together."""
        return self.manifest.config.size + sum(layer.size for layer in self.manifest.layers)


class Store:
    """An OCI image layout of artifacts.

    ``definitions`` is where the sources of services lie, for better advice; ``verified`` saves reading it all again.
    """

    def __init__(self, path: Path, definitions: Path | None = None, verified: VerifiedBlobs | None = None) -> None:
        self.layout = Layout(path)
        self._definitions = definitions
        self._verified = verified

    @classmethod
    def of(cls, project: Project) -> Store:
        """Return the project's store."""
        return cls(project.store, project.service_defs, VerifiedBlobs(project.cache / "checked.json"))

    def list(self) -> list[Entry]:
        """Return what is in the store, by name and version."""
        entries = [_entry(self.layout, descriptor) for descriptor in self.layout.entries()]
        found = [entry for entry in entries if entry is not None]
        return sorted(found, key=lambda entry: (entry.reference.service, version_key(entry.reference.version)))

    def find(self, reference: Reference) -> oci.Descriptor | None:
        """Return the index entry of an artifact, or None if it was not built."""
        found = {entry.digest: entry for entry in self.layout.entries() if entry.reference == str(reference)}
        if len(found) > 1:
            listed = " and ".join(found)
            message = f"{self.layout.path}/index.json lists {reference} more than once, as {listed}"
            raise SoopError(message, "remove all but the right one from it, or copy the store again")
        return next(iter(found.values()), None)

    def open(self, reference: Reference | str) -> Artifact:
        """Return the artifact ``<service>-<version>``; the error says what to do if it is unknown or broken."""
        wanted = _parsed(reference)
        descriptor = self.find(wanted)
        if descriptor is None:
            raise self._unknown(wanted)
        try:
            return self._open(wanted, descriptor)
        except BrokenBlob as error:
            raise _broken(wanted, error) from None

    def open_whole(self, reference: Reference | str) -> Artifact:
        """Open an artifact every blob of which is there and unharmed, so that deploying it can begin."""
        artifact = self.open(reference)
        files = [self.layout.blob_file(layer.digest) for layer in artifact.manifest.layers]
        if self._verified is not None and self._verified.are_unchanged(artifact.digest, files):
            return artifact
        problems = artifact.problems()
        if problems:
            raise _broken(artifact.reference, BrokenBlob("; ".join(problems)))
        if self._verified is not None:
            self._verified.remember(artifact.digest, files)
        return artifact

    def verify(self, reference: str | None = None) -> Iterator[tuple[str, Problems]]:
        """Check every blob of one artifact, or of all; yield each one's name and problems."""
        if reference is not None and self.find(wanted := _parsed(reference)) is None:
            raise self._unknown(wanted)
        for descriptor in self.layout.entries():
            if reference in (None, descriptor.reference):
                yield str(descriptor.reference), self.problems(descriptor)

    def problems(self, descriptor: oci.Descriptor) -> Problems:
        """Open the artifact of an index entry and check every blob of it."""
        try:
            artifact = self._open(Reference.parse(str(descriptor.reference)), descriptor)
        except (SoopError, ValueError) as error:
            return [error.message if isinstance(error, SoopError) else str(error)]
        return artifact.problems()

    def _open(self, reference: Reference, descriptor: oci.Descriptor) -> Artifact:
        content = self.layout.read(descriptor, oci.MAXIMUM_MANIFEST)
        manifest = oci.parse(oci.Manifest, content, f"manifest {descriptor.digest}", _ADVICE)
        problem = type_problem(descriptor, manifest) or size_problem(manifest.layers)
        if problem:
            raise SoopError(f"{reference} in {self.layout.path}: manifest {descriptor.digest}: {problem}", _ADVICE)
        resolved = _parse_definition(self.layout.read(manifest.config, oci.MAXIMUM_DEFINITION), manifest.config.digest)
        problem = definition_problem(reference, manifest, resolved)
        if problem:
            raise BrokenBlob(f"blob {manifest.config.digest}: {problem}")
        return Artifact(reference, descriptor.digest, resolved, manifest, self.layout)

    def _unknown(self, wanted: Reference) -> SoopError:
        """Say what there is instead, and whether it only has to be built."""
        message = f"{wanted} is not in the store {self.layout.path}"
        source = self._definitions / wanted.service if self._definitions else None
        if source is not None and _version_of(source) == wanted.version:
            return SoopError(f"{wanted} is not built yet", f"run: soop build {source.parent.name}/{source.name}")
        entries = self.list()
        versions = [entry.reference.version for entry in entries if entry.reference.service == wanted.service]
        if versions:
            released_last = sorted(versions, key=lambda version: "-" not in version)
            return SoopError(message, f"{wanted.service} is there as {', '.join(released_last[-5:])}")
        if entries:
            advice = did_you_mean(str(wanted), [str(entry.reference) for entry in entries])
            known = ", ".join(dict.fromkeys(entry.reference.service for entry in entries))
            return SoopError(message, advice or f"it has {known}")
        return SoopError(message, "the store is empty; run: soop build DEFINITION")


def _parsed(reference: Reference | str) -> Reference:
    try:
        return reference if isinstance(reference, Reference) else Reference.parse(reference)
    except ValueError as error:
        raise SoopError(f"{reference or 'nothing'}: {error}") from None


def _entry(layout: Layout, descriptor: oci.Descriptor) -> Entry | None:
    """Return an artifact's entry; what has another kind of name is not ours."""
    try:
        reference = Reference.parse(str(descriptor.reference))
    except ValueError:
        return None
    try:
        stored = datetime.fromtimestamp(layout.blob_file(descriptor.digest).stat().st_mtime, UTC)
    except OSError:
        stored = None
    return Entry(reference, descriptor.digest, stored)


def _parse_definition(content: bytes, digest: str) -> ResolvedDefinition:
    try:
        resolved = ResolvedDefinition.model_validate_json(content)
    except ValueError:
        raise SoopError(
            f"blob {digest} is not a service definition that this version of soop reads",
            "it was made by another version of soop; build it again, or use that version",
        ) from None
    problems = service_problems(resolved.definition)
    if problems:
        raise InvalidInput((problem.line(f"blob {digest}") for problem in problems), _ADVICE)
    return resolved


def _version_of(source: Path) -> str | None:
    try:
        return load_service(source, source.name).version
    except InvalidInput:
        return None


def _broken(reference: Reference, error: BrokenBlob) -> SoopError:
    return SoopError(f"artifact {reference} is broken: {error.message}", _ADVICE)
