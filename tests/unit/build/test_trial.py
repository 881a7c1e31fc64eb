from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soop_components.artifact.store import Store
from soop_components.build.trial import try_plan
from soop_components.errors import InvalidInput
from tests.unit.planning.resolve import resolve_data


def attempt(folder: Path, content: str, **more: Any) -> None:
    """Try a service with one file."""
    component = {"uses": "files", "with": {"files": {"/etc/motd": {"content": content}}}}
    definition = {"components": {"motd": component}, "nodes": {"web": {"components": ["motd"]}}, **more}
    try_plan(resolve_data({"definition": definition}), Store(folder))


def test_what_each_domain_has_to_give_is_made_up(tmp_path: Path) -> None:
    config = {
        "word": {"type": "string"},
        "number": {"type": "number", "minimum": 2.5},
        "key": {"type": "string", "secret": True},
    }
    attempt(tmp_path, "{{ config.word }} {{ config.number + 1 }} {{ config.key }}", config=config)


def test_any_size_of_machine_is_there(tmp_path: Path) -> None:
    nodes = {
        "web": {"components": ["motd"], "size": "huge"},
        "none": {"components": ["motd"], "count": {"default": 0, "minimum": 0}},
    }
    attempt(tmp_path, "", nodes=nodes)


def test_a_mistake_in_a_template_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"components\.motd\.with\.files\./etc/motd\.content: 'wrod' is not defined"):
        attempt(tmp_path, "{{ config.wrod }}", config={"word": {"type": "string"}})
