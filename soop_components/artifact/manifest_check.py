"""Whether a definition and the layers of its artifact fit: all that planning and nodes will ask for is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from soop_components.artifact import oci
from soop_components.artifact.definition import PackedFiles, ResolvedDefinition
from soop_components.model.names import Reference


def type_problem(entry: oci.Descriptor, manifest: oci.Manifest) -> str | None:
    """Say why this is not the manifest of a service definition: the first media type that is another."""
    kinds = {
        "mediaType": (entry.media_type, oci.MANIFEST),
        "artifactType": (manifest.artifact_type, oci.ARTIFACT),
        "config.mediaType": (manifest.config.media_type, oci.DEFINITION),
    }
    for key, (found, expected) in kinds.items():
        if found != expected:
            return f"is not a service definition: {key} is {found}, not {expected}"
    return None


def size_problem(layers: Sequence[oci.Descriptor]) -> str | None:
    """Say that the layers together are larger than an artifact may be."""
    size = sum(layer.size for layer in layers)
    limit = oci.MAXIMUM_ARTIFACT
    return f"expected at most {limit // 2**30} GiB in all blobs together, not {size} bytes" if size > limit else None


def definition_problem(reference: Reference, manifest: oci.Manifest, resolved: ResolvedDefinition) -> str | None:
    """Say where the definition contradicts the name or the layers of its artifact, or itself."""
    definition = resolved.definition
    if definition.reference != reference:
        return f"defines {definition.reference}, not {reference}"
    return next(_problems(manifest, resolved), None)


def tars(resolved: ResolvedDefinition) -> dict[str, PackedFiles]:
    """Return the tars of an artifact by their titles."""
    return {**resolved.components, **({"smoke": resolved.smoke} if resolved.smoke else {})}


def _problems(manifest: oci.Manifest, resolved: ResolvedDefinition) -> Iterator[str]:
    layers = {layer.digest: layer for layer in manifest.layers}
    yield from _package_problems(layers, resolved)
    for title, files in tars(resolved).items():
        if files.blob not in layers:
            yield f"refers to {files.blob}, which is not in the artifact"
        elif layers[files.blob].media_type != oci.COMPONENT:
            yield f"refers to {files.blob}, which is of the type {layers[files.blob].media_type}"
        for name, file in files.apart.items():
            if file.digest not in layers or layers[file.digest].media_type != oci.FILE:
                yield f"refers to the file {name} {file.digest}, which is not in the artifact"
        for name in (*files.files, *files.links, *files.apart):
            if not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
                yield f"{title} lists the file {name!r}, which leads out of it"
    yield from _missing_parts(resolved)


def _package_problems(layers: Mapping[str, oci.Descriptor], resolved: ResolvedDefinition) -> Iterator[str]:
    """Find packages that are not among the layers."""
    for name, package in resolved.packages.items():
        layer = layers.get(package.digest)
        if layer is None or layer.size != package.size:
            yield f"refers to package {name} {package.digest}, which is not in the artifact"
        elif layer.media_type != oci.PACKAGE:
            yield f"refers to package {name} {package.digest}, which is of the type {layer.media_type}"


def _missing_parts(resolved: ResolvedDefinition) -> Iterator[str]:
    """Find what one part of the definition refers to and another does not have."""
    for name, component in resolved.definition.components.items():
        if component.uses not in resolved.blocks:
            yield f"has no block {component.uses}, which component {name} uses"
        if name not in resolved.components:
            yield f"has no files of component {name}"
    for role, packages in resolved.roles_packages.items():
        for package in packages:
            if package not in resolved.packages:
                yield f"has no package {package}, which nodes of role {role} need"
