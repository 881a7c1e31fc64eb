"""Collections of blocks: folders that operations publish, in versions, and that service definitions name.

A collection is a folder with ``blocks.yaml``, which has its version, and a folder for each block; or one with such a
folder for each version, ``platform-blocks/1.2.0/blocks.yaml``.
"""

from __future__ import annotations

from pathlib import Path

from soop_components.errors import InvalidInput
from soop_components.model.block import BlockCollection
from soop_components.model.service import BlocksFrom
from soop_components.reading.loader import load_model
from soop_components.reading.yaml_file import read_yaml

FILE = "blocks.yaml"


def collection_folder(service: Path, wanted: BlocksFrom) -> Path:
    """Return the folder with the blocks that a service definition in the folder ``service`` names by their version."""
    place = service / wanted.from_
    of_version = place / wanted.version
    folder = of_version if (of_version / FILE).is_file() else place
    if not (folder / FILE).is_file():
        versions = sorted(path.parent.name for path in place.glob(f"*/{FILE}"))
        there = f"; there is {', '.join(versions)}" if versions else ""
        raise InvalidInput([f"{wanted.from_}: has neither {FILE} nor {wanted.version}/{FILE}{there}"])
    name = f"{wanted.from_.rstrip('/')}/{(folder / FILE).relative_to(place)}"
    found = load_model(BlockCollection, read_yaml(folder / FILE, name), name)
    if found.version != wanted.version:
        raise InvalidInput([f"{name}: is version {found.version}, not {wanted.version}: get that one, or ask for this"])
    return folder
