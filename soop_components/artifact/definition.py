"""The config blob of an artifact: a service definition with everything resolved that it refers to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from soop_components.model.base import Model
from soop_components.model.block import Block
from soop_components.model.data import Migration
from soop_components.model.names import ComponentName, ConfigKey, Digest, RoleName
from soop_components.model.plan import Mode, Package
from soop_components.model.service import ServiceDefinition

PackageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+])?$", max_length=100)]
PackageNames = Annotated[tuple[PackageName, ...], Field(strict=False)]


class PackedFile(Model):
    """One file of a tar."""

    digest: Digest
    size: Annotated[int, Field(ge=0, le=2**40)]
    mode: Mode = "0644"


class PackedFiles(Model):
    """A tar of the artifact and what is in it, by path."""

    blob: Digest
    files: dict[str, PackedFile] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)
    """Symbolic links between the files, which are not in the tar."""
    apart: dict[str, PackedFile] = Field(default_factory=dict)
    """Files that are not in the tar either: each is a blob of its own, so that it moves only when it changes itself."""


class Base(Model):
    """The base image that the packages were resolved against."""

    name: str
    digest: Digest


class ResolvedDefinition(Model):
    """All that planning needs; what it points to are blobs of the artifact."""

    format: Literal[1] = 1
    definition: ServiceDefinition
    """With the version that was built."""
    blocks: dict[ConfigKey, Block] = Field(default_factory=dict)
    components: dict[ComponentName, PackedFiles] = Field(default_factory=dict)
    smoke: PackedFiles | None = None
    """The programs of the smoke tests and hooks."""
    migrations: Annotated[tuple[Migration, ...], Field(strict=False)] = ()
    """Those of all components, in order."""
    packages: dict[PackageName, Package] = Field(default_factory=dict)
    roles_packages: dict[RoleName, PackageNames] = Field(default_factory=dict)
    """The packages of each role, dependencies included."""
    base_packages: dict[RoleName, PackageNames] = Field(default_factory=dict)
    """Those that components of a role name and that are not in the artifact, since the base has them."""
    base: Base
