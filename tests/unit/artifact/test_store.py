"""What a store has, and what it offers instead of what it has not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from soop_components.artifact import oci
from soop_components.artifact.store import Store
from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.errors import SoopError
from soop_components.project import Project
from tests.unit.artifact.damage import NAME, index_of, refused, write_index


def test_a_good_store(store: Store) -> None:
    assert list(store.verify()) == [(NAME, [])]
    assert list(store.verify(NAME)) == [(NAME, [])]
    (entry,) = store.list()
    assert (str(entry.reference), entry.digest) == (NAME, store.open(NAME).digest)
    artifact = store.open(NAME)
    assert (
        artifact.blob_path(artifact.manifest.layers[0].digest).read_bytes()
        == artifact.layout.blob_file(artifact.manifest.layers[0].digest).read_bytes()
    )


def test_a_store_that_is_not_there_yet(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert store.list() == []
    assert list(store.verify()) == []
    with pytest.raises(SoopError, match=r"a-1\.0\.0 is not in the store") as caught:
        store.open("a-1.0.0")
    assert caught.value.hint == "the store is empty; run: soop build DEFINITION"
    assert not (tmp_path / "store").exists()


def test_only_layers_of_the_artifact_are_handed_out(store: Store) -> None:
    artifact = store.open(NAME)
    with pytest.raises(SoopError, match=f"artifact {NAME} has no blob"):
        artifact.blob_path(artifact.digest)


def test_entries_of_others_are_left_alone(store: Store, locked: Project) -> None:
    index = index_of(store)
    foreign = {"mediaType": oci.MANIFEST, "digest": "sha256:" + "0" * 64, "size": 1, "annotations": {"x": "y"}, "z": 1}
    named = {**foreign, "annotations": {oci.REFERENCE_NAME: "latest"}}
    index["manifests"] += [foreign, named]
    write_index(store, index)
    assert [str(entry.reference) for entry in store.list()] == [NAME]
    build(locked, read_source(locked, "greeting-service"), lambda _: None, "2.0.0")
    assert foreign in index_of(store)["manifests"]
    assert named in index_of(store)["manifests"]


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("greeting-service-1.0.1", "greeting-service is there as 1.0.0"),
        ("greting-service-1.0.0", "did you mean greeting-service-1.0.0?"),
        ("other-7.7.7", "it has greeting-service"),
    ],
)
def test_what_there_is_instead(store: Store, reference: str, hint: str) -> None:
    error = refused(store, reference)
    assert error.message == f"{reference} is not in the store {store.layout.path}"
    assert error.hint == hint


def test_what_only_has_to_be_built(locked: Project) -> None:
    with pytest.raises(SoopError, match=r"^greeting-service-1.0.0 is not built yet") as caught:
        Store.of(locked).open(NAME)
    assert caught.value.hint == "run: soop build service_defs/greeting-service"


@pytest.mark.parametrize("reference", ["greeting-service", "", "../../etc-1.0.0", "greeting-service-1.0"])
def test_what_is_not_a_reference(store: Store, reference: str) -> None:
    assert "expected <service>-<version> such as access-service-3.2.3" in refused(store, reference).message
    with pytest.raises(SoopError, match="expected <service>-<version>"):
        list(store.verify(reference))


def test_two_artifacts_of_one_name(store: Store) -> None:
    index = index_of(store)
    (entry,) = index["manifests"]
    write_index(store, {**index, "manifests": [{**entry, "digest": "sha256:" + "0" * 64}, entry]})
    error = refused(store)
    assert f"index.json lists {NAME} more than once, as sha256:{'0' * 64} and {entry['digest']}" in error.message
    assert error.hint is not None
    write_index(store, {**index, "manifests": [entry, entry]})
    assert Store(store.layout.path).open(NAME)


def test_released_versions_are_offered_before_development_versions(store: Store) -> None:
    index = index_of(store)
    (entry,) = index["manifests"]
    names = [f"greeting-service-1.0.1-dev.{number}" for number in range(9)]
    more = [{**entry, "annotations": {oci.REFERENCE_NAME: name}} for name in names]
    write_index(store, {**index, "manifests": [entry, *more]})
    assert str(refused(store, "greeting-service-1.0.2").hint).endswith(", 1.0.1-dev.8, 1.0.0")


def test_what_was_checked_is_read_again_when_it_changed(store: Store) -> None:
    artifact = store.open_whole(NAME)
    path = artifact.blob_path(artifact.manifest.layers[0].digest)
    content = path.read_bytes()
    at = path.stat()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))  # as somebody would who hides it
    again = Store(store.layout.path, verified=store._verified)
    with pytest.raises(SoopError, match=f"artifact {NAME} is broken: blob sha256:{path.name} is damaged"):
        again.open_whole(NAME)
    path.unlink()
    with pytest.raises(SoopError, match=f"artifact {NAME} is broken: blob sha256:{path.name} is missing"):
        again.open_whole(NAME)
