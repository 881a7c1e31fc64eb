"""The library of building blocks: one folder each, with ``block.yaml``, templates and scripts.

A service brings blocks of its own in ``blocks/<name>/`` beside its ``service.yaml``, in the same format. Where both have a block of
one name the service's own is used, so that a block that is added to the library later never changes what a service means. An
artifact holds the blocks that it was built with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from soop_components.model.block import Block

LIBRARY = Path(__file__).parent


@dataclass(frozen=True)
class LoadedBlock:
    """A block as it was found on disk."""

    block: Block
    """With the text of its templates in it."""
    folder: Path
    files: Mapping[str, Path]
    """What goes into the blob of each component that uses the block: path there, ``.block/<block>/<file>``, and file on disk."""
