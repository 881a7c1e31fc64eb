from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.build.service_source import read_source
from soop_components.errors import InvalidInput
from soop_components.project import Project

SERVICE = """\
format: 1
service: any-service
version: 1.0.0
components: {api: {uses: files}}
nodes: {web: {components: [api]}}
"""


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ('"a\\0"', r"'a\x00' must be relative to the service definition"),
        ("../outside.sh", "'../outside.sh' must not contain '.', '..' or empty parts"),
        ("check.sh", 'no such file (got "check.sh")'),
        ("service.yaml/check.sh", 'no such file (got "service.yaml/check.sh")'),
        ("a" * 300, f'no such file (got "{"a" * 57}…")'),
    ],
)
def test_a_smoke_test_that_is_not_there_is_reported_once(tmp_path: Path, script: str, problem: str) -> None:
    folder = tmp_path / "service_defs" / "any-service"
    folder.mkdir(parents=True)
    (folder / "service.yaml").write_text(f"{SERVICE}smoke_tests: [{{name: x, role: web, script: {script}}}]\n")
    with pytest.raises(InvalidInput) as raised:
        read_source(Project(tmp_path), "any-service")
    assert raised.value.problems == (f"service_defs/any-service/service.yaml: smoke_tests[0].script: {problem}",)


def test_blocks_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "service_defs" / "any-service"
    theirs = tmp_path / "platform-blocks"
    (theirs / "guard").mkdir(parents=True)
    folder.mkdir(parents=True)
    (theirs / "blocks.yaml").write_text("format: 1\nversion: 1.2.0\n")
    (theirs / "guard" / "block.yaml").write_text(
        "format: 1\nblock: guard\nsummary: x\nscripts: [{name: go, program: go.sh}]\n"
    )
    (theirs / "guard" / "go.sh").write_text("#!/bin/sh\n")
    text = SERVICE.replace("uses: files", "uses: guard")
    (folder / "service.yaml").write_text(f"{text}blocks: [{{from: ../../platform-blocks, version: 1.2.0}}]\n")
    source = read_source(Project(tmp_path), "any-service")
    assert list(source.blocks) == ["guard"]
    assert list(source.components["api"]) == [".block/guard/go.sh"]
    (folder / "service.yaml").write_text(f"{text}blocks: [{{from: ../../platform-blocks, version: 1.3.0}}]\n")
    with pytest.raises(InvalidInput) as raised:
        read_source(Project(tmp_path), "any-service")
    assert raised.value.problems == (
        "service_defs/any-service/service.yaml: blocks[0]: ../../platform-blocks/blocks.yaml: is version 1.2.0, "
        "not 1.3.0: get that one, or ask for this",
    )
