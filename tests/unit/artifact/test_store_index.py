"""A store's index and manifests that somebody else wrote, or damaged: nothing is believed before it is checked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soop_components.artifact import oci
from soop_components.artifact.store import Store
from soop_components.errors import SoopError
from tests.unit.artifact.damage import index_of, problems, refused, rewrite, write_index


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../../../../etc/passwd",
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 64 + "\n",
        "sha512:" + "a" * 128,
        "/etc/passwd",
        "",
    ],
)
def test_digests_that_are_none(store: Store, digest: str) -> None:
    index = index_of(store)
    index["manifests"][0]["digest"] = digest
    write_index(store, index)
    assert "index.json: manifests[0]: digest: " in refused(store).message
    with pytest.raises(SoopError):
        store.list()


def test_a_manifest_with_a_path_for_a_digest(store: Store) -> None:
    rewrite(store, lambda manifest: manifest["layers"][0].update(digest="sha256:../../index.json"))
    assert "layers.0.digest: " in refused(store).message
    assert "layers.0.digest: " in problems(store)[0]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"manifests": 4}', b'{"manifests": [4]}', b'{"manifests": [{"size": -1}]}'],
)
def test_an_index_that_is_none(store: Store, content: bytes) -> None:
    (store.layout.path / "index.json").write_bytes(content)
    assert "index.json" in refused(store).message


@pytest.mark.parametrize("bomb", ["[" * 100_000, '{"a":' * 100_000, '{"manifests":' + "[" * 5_000 + "]" * 5_000 + "}"])
def test_an_index_that_is_nested_too_deep(store: Store, bomb: str) -> None:
    (store.layout.path / "index.json").write_text(bomb)
    assert "index.json" in refused(store).message


def test_an_index_that_is_too_large(store: Store) -> None:
    with (store.layout.path / "index.json").open("wb") as file:
        file.truncate(oci.MAXIMUM_INDEX + 1)
    assert "expected at most" in refused(store).message


def test_something_else_than_a_service_definition(store: Store) -> None:
    rewrite(store, lambda manifest: manifest.update(artifactType="application/vnd.example"))
    assert "is not a service definition" in refused(store).message


@pytest.mark.parametrize("media_type", [oci.COMPONENT, oci.PACKAGE])
def test_layers_of_another_type(store: Store, media_type: str) -> None:
    def edit(manifest: Any) -> None:
        for layer in manifest["layers"]:
            if layer["mediaType"] == media_type:
                layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"

    rewrite(store, edit)
    assert "which is of the type application/vnd.oci.image.layer.v1.tar+gzip" in refused(store).message


def test_an_entry_of_another_type(store: Store) -> None:
    index = index_of(store)
    index["manifests"][0]["mediaType"] = oci.INDEX
    write_index(store, index)
    error = refused(store)
    assert f"is not a service definition: mediaType is {oci.INDEX}, not {oci.MANIFEST}" in error.message
    assert "soop build" in str(error.hint)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.timeout(60)
def test_an_index_that_is_no_file(store: Store, make: Callable[[Path], None]) -> None:
    path = store.layout.path / "index.json"
    path.unlink()
    make(path)
    error = refused(store)
    assert error.message.startswith(str(path))
    assert error.hint == "copy the store again from where it came, or remove it and build again"
