"""Resolved definitions for tests: what a build would make of a service definition, with made-up packages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from soop_components.artifact.definition import Base, PackedFile, PackedFiles, ResolvedDefinition
from soop_components.library import load_block
from soop_components.model.block import Block
from soop_components.model.plan import Package
from soop_components.model.service import ServiceDefinition
from soop_components.planning.component_needs import AskedPackage, component_packages, component_sources

LINK = "-> "
"""Begins the text of a file that is a link."""


def digest_of(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def packed(files: Mapping[str, str]) -> PackedFiles:
    """Pack files given by path and text."""
    found = {
        path: PackedFile(digest=digest_of(text), size=len(text), mode="0755" if text.startswith("#!") else "0644")
        for path, text in sorted(files.items())
        if not text.startswith(LINK)
    }
    links = {path: text.removeprefix(LINK) for path, text in files.items() if text.startswith(LINK)}
    return PackedFiles(blob=digest_of(repr(found)), files=found, links=links)


def resolve(
    definition: ServiceDefinition,
    files: Mapping[str, str],
    own: Mapping[str, Block] | None = None,
    folder: Path | None = None,
) -> ResolvedDefinition:
    """Resolve a definition whose folder holds ``files``; ``own`` blocks go before the library's."""
    blocks: dict[str, Block] = dict(own or {})
    components: dict[str, PackedFiles] = {}
    for name, component in definition.components.items():
        taken: dict[str, str] = {}
        if component.uses not in blocks:
            blocks[component.uses] = load_block(component.uses, folder).block
        block = blocks[component.uses]
        for source in component_sources(block, component.with_)[0]:
            taken |= {
                path: text
                for path, text in files.items()
                if path == source or path.startswith(source.rstrip("/") + "/")
            }
        taken |= {f".block/{block.block}/{program}": "#!/bin/sh\n" for program in block.programs()}
        components[name] = packed(taken)
    packages = {
        role: _packages(
            component_packages(
                blocks[definition.components[name].uses], definition.components[name].with_, definition.base
            )
            for name in node.components
        )
        for role, node in definition.nodes.items()
    }
    scripts = dict.fromkeys(definition.programs.values(), "#!")
    return ResolvedDefinition(
        definition=definition,
        blocks=blocks,
        components=components,
        smoke=packed(scripts) if scripts else None,
        packages={name: _package(name) for names in packages.values() for name in names},
        roles_packages=packages,
        base=Base(name=definition.base, digest=digest_of("base")),
    )


def resolve_data(data: dict[str, Any]) -> ResolvedDefinition:
    """Resolve a definition written as data: ``definition``, ``files`` and ``blocks``."""
    shell = {"format": 1, "service": "test-service", "version": "1.0.0"}
    blocks = {
        name: Block.model_validate({"format": 1, "block": name, "summary": "", **block})
        for name, block in data.get("blocks", {}).items()
    }
    return resolve(ServiceDefinition.model_validate(shell | data["definition"]), data.get("files", {}), blocks)


def _packages(asked: Iterable[tuple[AskedPackage, ...]]) -> tuple[str, ...]:
    return tuple(sorted({each.name for found in asked for each in found}))


def _package(name: str) -> Package:
    return Package(version="1.0", architecture="all", digest=digest_of(name), size=1)
