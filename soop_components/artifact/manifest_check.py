"""Whether a definition and the layers of its artifact fit: all that planning and nodes will ask for is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from soop_components.artifact import oci
from soop_components.artifact.definition import PackedFiles, ResolvedDefinition
from soop_components.model.names import Reference


def foreign(entry: oci.Descriptor, manifest: oci.Manifest) -> str | None:
    """Say why this is not the manifest of a service definition."""
    kinds = {
        "mediaType": (entry.media_type, oci.MANIFEST),
        "artifactType": (manifest.artifact_type, oci.ARTIFACT),
        "config.mediaType": (manifest.config.media_type, oci.DEFINITION),
    }
    wrong = (f"{key} is {found}, not {expected}" for key, (found, expected) in kinds.items() if found != expected)
    return next((f"is not a service definition: {text}" for text in wrong), None)


def too_large(layers: Sequence[oci.Descriptor]) -> str | None:
    """Say whether reading all layers would take longer than anybody waits."""
    size = sum(layer.size for layer in layers)
    limit = oci.MAXIMUM_ARTIFACT
    return f"expected at most {limit // 2**30} GiB in all blobs together, not {size} bytes" if size > limit else None


def mismatch(reference: Reference, manifest: oci.Manifest, resolved: ResolvedDefinition) -> str | None:
    """Say where the definition contradicts the name or the layers of its artifact, or itself."""
    definition = resolved.definition
    if (definition.service, definition.version) != reference:
        return f"defines {definition.service}-{definition.version}, not {reference}"
    return next(_mismatches(manifest, resolved), None)


def tars(resolved: ResolvedDefinition) -> dict[str, PackedFiles]:
    """Return the tars of an artifact by their titles."""
    return {**resolved.components, **({"smoke": resolved.smoke} if resolved.smoke else {})}


def _mismatches(manifest: oci.Manifest, resolved: ResolvedDefinition) -> Iterator[str]:
    layers = {layer.digest: layer for layer in manifest.layers}
    for name, package in resolved.packages.items():
        layer = layers.get(package.digest)
        if layer is None or layer.size != package.size:
            yield f"refers to package {name} {package.digest}, which is not in the artifact"
        elif layer.media_type != oci.PACKAGE:
            yield f"refers to package {name} {package.digest}, which is of the type {layer.media_type}"
    for title, files in tars(resolved).items():
        if files.blob not in layers:
            yield f"refers to {files.blob}, which is not in the artifact"
        elif layers[files.blob].media_type != oci.COMPONENT:
            yield f"refers to {files.blob}, which is of the type {layers[files.blob].media_type}"
        for name in files.files:
            if not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
                yield f"{title} lists the file {name!r}, which leads out of it"
    yield from _gaps(resolved)


def _gaps(resolved: ResolvedDefinition) -> Iterator[str]:
    """Find what one part of the definition takes for granted and another lacks."""
    for name, component in resolved.definition.components.items():
        if component.uses not in resolved.blocks:
            yield f"has no block {component.uses}, which component {name} uses"
        if name not in resolved.components:
            yield f"has no files of component {name}"
    for role, packages in resolved.roles_packages.items():
        for package in packages:
            if package not in resolved.packages:
                yield f"has no package {package}, which nodes of role {role} need"
