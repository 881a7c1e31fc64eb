"""Definitions that say something else than their artifact has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from soop_components.artifact import oci
from soop_components.artifact.store import Store
from tests.unit.artifact.damage import refused, rewrite, twisted


def test_a_definition_that_is_too_large(store: Store) -> None:
    rewrite(store, lambda manifest: manifest["config"].update(size=oci.MAXIMUM_DEFINITION + 1))
    assert "expected at most" in refused(store).message


def test_a_definition_of_another_name(store: Store) -> None:
    rewrite(store, lambda resolved: resolved["definition"].update(version="1.0.1"), "definition")
    assert "defines greeting-service-1.0.1, not greeting-service-1.0.0" in refused(store).message


def test_a_definition_of_another_format(store: Store) -> None:
    rewrite(store, lambda resolved: resolved.update(surprise=1), "definition")
    error = refused(store)
    assert "is not a service definition that this version of soop reads" in error.message
    assert error.hint is not None


def test_a_definition_with_mistakes(store: Store) -> None:
    rewrite(store, lambda resolved: resolved["definition"]["nodes"]["time"].update(after=["nobody"]), "definition")
    assert "nodes.time.after[0]: no role nobody" in refused(store).message


def test_packages_and_files_that_are_not_among_the_layers(store: Store) -> None:
    rewrite(store, lambda resolved: resolved["packages"]["clock"].update(size=1), "definition")
    assert "refers to package clock" in refused(store).message


def test_components_that_are_not_among_the_layers(store: Store) -> None:
    rewrite(store, lambda resolved: resolved["smoke"].update(blob="sha256:" + "0" * 64), "definition")
    assert f"refers to sha256:{'0' * 64}, which is not in the artifact" in refused(store).message


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "app/../../x", "app//x", "app/a\nb", "./x", ""])
def test_files_that_lead_out_of_a_component(store: Store, path: str) -> None:
    def edit(resolved: Any) -> None:
        files = resolved["components"]["page"]["files"]
        files[path] = files["extra.txt"]

    assert f"page lists the file {path!r}, which leads out of it" in twisted(store, edit).message


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda resolved: resolved["blocks"].pop("ticking"), "has no block ticking, which component clock uses"),
        (lambda resolved: resolved["components"].pop("page"), "has no files of component page"),
        (lambda resolved: resolved["packages"].pop("clock"), "has no package clock, which nodes of role time need"),
    ],
)
def test_what_a_definition_takes_for_granted_and_lacks(store: Store, edit: Callable[[Any], None], said: str) -> None:
    assert said in twisted(store, edit).message
