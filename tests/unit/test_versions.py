"""The versions of the tests follow the shipped services."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from soop_components.reading.loader import load_service
from tests import versions

ROOT = Path(__file__).parents[2]
REFERENCES = sorted(path.stem for path in versions.HERE.glob("*.patch"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "service_defs", tmp_path / "service_defs")
    return tmp_path


def reference_in(project: Path, service: str) -> str:
    return str(load_service(project / "service_defs" / service, service).reference)


def test_each_version_is_made_of_the_one_before(project: Path) -> None:
    for reference in REFERENCES:
        versions.make(project, reference)
        assert reference_in(project, re.sub(r"-[0-9.]+$", "", reference)) == reference


def test_each_version_of_the_access_service_can_be_a_bad_one_for_a_while(project: Path) -> None:
    program = project / "service_defs/access-service/app/access.py"
    for reference in ["", *(each for each in REFERENCES if each.startswith("access-service-"))]:
        if reference:
            versions.make(project, reference)
        good = program.read_text(), reference_in(project, "access-service")
        for fault in versions.FAULTS:
            with versions.bad(project, fault) as bad:
                assert reference_in(project, "access-service") == bad
                compile(program.read_text(), "access.py", "exec")
                assert program.read_text() != good[0]
        assert (program.read_text(), reference_in(project, "access-service")) == good
