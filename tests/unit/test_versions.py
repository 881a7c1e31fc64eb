"""The versions of the tests follow the shipped services."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from soop_components.reading.loader import load_service
from tests import versions

ROOT = Path(__file__).parents[2]
REFERENCES = sorted(path.stem for path in versions.HERE.glob("*.patch"))


def test_each_version_is_made_of_the_one_before(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "service_defs", tmp_path / "service_defs")
    for reference in REFERENCES:
        versions.make(tmp_path, reference)
        name = re.sub(r"-[0-9.]+$", "", reference)
        assert str(load_service(tmp_path / "service_defs" / name, name).reference) == reference
