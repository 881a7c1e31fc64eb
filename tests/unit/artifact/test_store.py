"""A store that somebody else wrote, or damaged: nothing in it is believed before it is checked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soop_components.artifact import oci
from soop_components.artifact.builder import build
from soop_components.artifact.source import read_source
from soop_components.artifact.store import Store
from soop_components.errors import SoopError
from soop_components.project import Project

NAME = "greeting-service-1.0.0"


def problems(store: Store) -> list[str]:
    return [problem for _, found in Store(store.layout.path).verify() for problem in found]


def refused(store: Store, reference: str = NAME) -> SoopError:
    with pytest.raises(SoopError) as caught:
        Store(store.layout.path).open(reference)
    return caught.value


def index_of(store: Store) -> Any:
    return json.loads((store.layout.path / "index.json").read_bytes())


def write_index(store: Store, index: Any) -> None:
    (store.layout.path / "index.json").write_text(json.dumps(index))


def put(store: Store, content: bytes) -> tuple[str, int]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    store.layout.blob_file(digest).write_bytes(content)
    return digest, len(content)


def rewrite(store: Store, edit: Callable[[Any], None], what: str = "manifest") -> None:
    """Change manifest or definition, with digests that fit again."""
    index = index_of(store)
    entry = index["manifests"][0]
    manifest = json.loads(store.layout.blob_file(entry["digest"]).read_bytes())
    if what == "definition":
        definition = json.loads(store.layout.blob_file(manifest["config"]["digest"]).read_bytes())
        edit(definition)
        manifest["config"]["digest"], manifest["config"]["size"] = put(store, json.dumps(definition).encode())
    else:
        edit(manifest)
    entry["digest"], entry["size"] = put(store, json.dumps(manifest).encode())
    write_index(store, index)


def blob_of(store: Store, media_type: str) -> Path:
    layers = store.open(NAME).manifest.layers
    return store.layout.blob_file(next(layer.digest for layer in layers if layer.media_type == media_type))


def test_a_good_store(store: Store) -> None:
    assert list(store.verify()) == [(NAME, [])]
    assert list(store.verify(NAME)) == [(NAME, [])]
    (entry,) = store.list()
    assert (str(entry.reference), entry.digest) == (NAME, store.open(NAME).digest)
    artifact = store.open(NAME)
    assert (
        artifact.read_blob(artifact.manifest.layers[0].digest)
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


def test_a_definition_that_is_too_large(store: Store) -> None:
    rewrite(store, lambda manifest: manifest["config"].update(size=oci.MAXIMUM_DEFINITION + 1))
    assert "expected at most" in refused(store).message


def test_something_else_than_a_service_definition(store: Store) -> None:
    rewrite(store, lambda manifest: manifest.update(artifactType="application/vnd.example"))
    assert "is not a service definition" in refused(store).message


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


def twisted(store: Store, edit: Callable[[Any], None]) -> SoopError:
    """Change the definition, and see that opening it is refused with what to do."""
    rewrite(store, edit, "definition")
    error = refused(store)
    (entry,) = index_of(store)["manifests"]
    config = json.loads(store.layout.blob_file(entry["digest"]).read_bytes())["config"]
    assert f"blob {config['digest']}" in error.message
    assert error.hint is not None
    assert "soop build" in error.hint
    assert len(problems(store)) == 1
    return error


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
    assert f"artifact {NAME} is broken: blob {other} is not what its definition says: holds another file" in str(
        caught.value
    )
    assert "soop build" in str(caught.value.hint)
    assert len(problems(store)) == 1


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


@pytest.mark.timeout(20)
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


def test_two_artifacts_of_one_name(store: Store) -> None:
    index = index_of(store)
    (entry,) = index["manifests"]
    write_index(store, {**index, "manifests": [{**entry, "digest": "sha256:" + "0" * 64}, entry]})
    error = refused(store)
    assert f"index.json lists {NAME} more than once, as sha256:{'0' * 64} and {entry['digest']}" in error.message
    assert error.hint is not None
    write_index(store, {**index, "manifests": [entry, entry]})
    assert Store(store.layout.path).open(NAME)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.timeout(20)
def test_an_index_that_is_no_file(store: Store, make: Callable[[Path], None]) -> None:
    path = store.layout.path / "index.json"
    path.unlink()
    make(path)
    error = refused(store)
    assert error.message.startswith(str(path))
    assert error.hint == "copy the store again from where it came, or remove it and build again"


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
    again = Store(store.layout.path, checked=store._checked)
    with pytest.raises(SoopError, match=f"artifact {NAME} is broken: blob sha256:{path.name} is damaged"):
        again.open_whole(NAME)
    path.unlink()
    with pytest.raises(SoopError, match=f"artifact {NAME} is broken: blob sha256:{path.name} is missing"):
        again.open_whole(NAME)
