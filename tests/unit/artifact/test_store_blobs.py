"""Blobs that are not what their digests say."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from soop_components.artifact import oci
from soop_components.artifact.store import Store
from soop_components.errors import SoopError
from tests.unit.artifact.damage import NAME, blob_of, problems, put, refused, rewrite


@pytest.mark.parametrize("media_type", [oci.COMPONENT, oci.PACKAGE])
def test_a_flipped_bit(store: Store, media_type: str) -> None:
    path = blob_of(store, media_type)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (problem,) = problems(store)
    assert problem.startswith(f"blob sha256:{path.name} is damaged: its content has another digest (")
    fresh = Store(store.layout.path).open(NAME)
    with pytest.raises(SoopError, match=f"artifact {NAME} is broken: blob sha256:{path.name} is damaged") as caught:
        fresh.blob_path(f"sha256:{path.name}")
    assert caught.value.hint is not None
    assert "soop build" in caught.value.hint


def test_damage_after_it_was_checked_is_seen(store: Store) -> None:
    artifact = store.open(NAME)
    path = artifact.blob_path(artifact.manifest.layers[0].digest)
    path.write_bytes(b"!" * path.stat().st_size)
    with pytest.raises(SoopError, match="is damaged"):
        artifact.blob_path(f"sha256:{path.name}")


def test_missing_and_short_blobs(store: Store) -> None:
    component, package = blob_of(store, oci.COMPONENT), blob_of(store, oci.PACKAGE)
    component.unlink()
    size = package.stat().st_size
    package.write_bytes(b"short")
    assert sorted(problem.rsplit(" (", 1)[0] for problem in problems(store)) == sorted(
        [
            f"blob sha256:{component.name} is missing",
            f"blob sha256:{package.name} has the wrong size: {size} bytes expected, 5 found",
        ]
    )


def test_a_blob_that_is_a_link_or_a_folder(store: Store, tmp_path: Path) -> None:
    component, package = blob_of(store, oci.COMPONENT), blob_of(store, oci.PACKAGE)
    shutil.move(component, tmp_path / "outside")
    component.symlink_to(tmp_path / "outside")
    package.unlink()
    package.mkdir()
    assert len(problems(store)) == 2
    assert all("is not a regular file" in problem for problem in problems(store))


def test_a_tar_with_more_in_it_than_its_definition_says(store: Store) -> None:
    digest = store.open(NAME).resolved.components["page"].blob
    content = store.layout.blob_file(digest).read_bytes()
    other, size = put(store, content + content)
    rewrite(store, lambda resolved: resolved["components"]["page"].update(blob=other), "definition")

    def edit(manifest: Any) -> None:
        for layer in manifest["layers"]:
            if layer["digest"] == digest:
                layer.update(digest=other, size=size)

    rewrite(store, edit)
    with pytest.raises(SoopError) as caught:
        Store(store.layout.path).open_whole(NAME)
    said = f"blob {other} is not what its definition says: holds more than the definition lists"
    assert f"artifact {NAME} is broken: {said}" in str(caught.value)
    assert "soop build" in str(caught.value.hint)
    assert len(problems(store)) == 1


@pytest.mark.timeout(60)
def test_a_blob_of_holes_that_nobody_could_read_to_its_end(store: Store) -> None:
    blob = blob_of(store, oci.PACKAGE)
    with blob.open("r+b") as file:
        file.truncate(2**40)

    def edit(manifest: Any) -> None:
        for layer in manifest["layers"]:
            if layer["digest"].endswith(blob.name):
                layer["size"] = 2**40

    rewrite(store, edit)
    error = refused(store)
    assert "expected at most 16 GiB in all blobs together, not 1099" in error.message
    assert "soop build" in str(error.hint)
    assert problems(store)
