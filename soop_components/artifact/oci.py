"""The shapes of an OCI image layout (github.com/opencontainers/image-spec 1.1), as far as artifacts use them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from soop_components.errors import SoopError
from soop_components.model.names import Digest

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX: Final = "application/vnd.oci.image.index.v1+json"
ARTIFACT: Final = "application/vnd.soop.service-definition.v1"
DEFINITION: Final = "application/vnd.soop.definition.v1+json"
COMPONENT: Final = "application/vnd.soop.component.v1.tar"
PACKAGE: Final = "application/vnd.debian.binary-package"
FILE: Final = "application/vnd.soop.file.v1"
REFERENCE_NAME: Final = "org.opencontainers.image.ref.name"
TITLE: Final = "org.opencontainers.image.title"
VERSION: Final = "org.opencontainers.image.version"
DESCRIPTION: Final = "org.opencontainers.image.description"
LAYOUT_FILE: Final = b'{"imageLayoutVersion":"1.0.0"}'

MAXIMUM_INDEX = 8 * 2**20
MAXIMUM_MANIFEST = 4 * 2**20
MAXIMUM_DEFINITION = 32 * 2**20
"""Bytes; who reads more than this was given something else than an artifact."""
MAXIMUM_ARTIFACT = 16 * 2**30
"""Bytes of all layers together."""

AnyShape = TypeVar("AnyShape", bound="_Shape")


class _Shape(BaseModel):
    """Frozen, with keys as in JSON; keys of others are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Descriptor(_Shape):
    """What points to a blob."""

    media_type: str = Field(alias="mediaType")
    digest: Digest
    size: Annotated[int, Field(ge=0, le=2**40)]
    artifact_type: str | None = Field(default=None, alias="artifactType")
    annotations: dict[str, str] | None = None

    @property
    def reference(self) -> str | None:
        """The name under which an index lists it."""
        return (self.annotations or {}).get(REFERENCE_NAME)


class Manifest(_Shape):
    """An artifact: its configuration and its layers."""

    schema_version: int = Field(default=2, alias="schemaVersion")
    media_type: str | None = Field(default=MANIFEST, alias="mediaType")
    artifact_type: str | None = Field(default=ARTIFACT, alias="artifactType")
    config: Descriptor
    layers: Annotated[tuple[Descriptor, ...], Field(max_length=10_000)]
    annotations: dict[str, str] | None = None


class Index(_Shape):
    """What a layout holds."""

    schema_version: int = Field(default=2, alias="schemaVersion")
    media_type: str | None = Field(default=INDEX, alias="mediaType")
    manifests: Annotated[tuple[dict[str, Any], ...], Field(max_length=100_000)] = ()
    """Descriptors as they are written, so that an entry of somebody else is kept as it is."""


def canonical(value: Any) -> bytes:
    """Return JSON without a choice: no spaces, no escapes, keys in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def shape_bytes(shape: _Shape) -> bytes:
    """Return the JSON of a descriptor, manifest or index."""
    return canonical(shape.model_dump(mode="json", by_alias=True, exclude_none=True))


def parse(kind: type[AnyShape], content: bytes, what: str, advice: str) -> AnyShape:
    """Read JSON of somebody else; the error names it by ``what`` and ends with ``advice``."""
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(key) for key in first["loc"])
        raise SoopError(f"{what}: {where + ': ' if where else ''}{first['msg']}", advice) from None
