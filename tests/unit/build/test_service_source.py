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
