"""A build makes an artifact of a service definition and its lock, the same one each time."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from pathlib import Path

import pytest

from soop_components.artifact.store import Store
from soop_components.build.builder import Build, build
from soop_components.build.package_choice import lock
from soop_components.build.service_source import read_source
from soop_components.errors import SoopError
from soop_components.project import Project
from tests.package_source import PackageSource
from tests.unit.build.greeting import LABEL, built, change, edit
from tests.unit.conftest import make_project


def test_everything_a_service_needs_is_inside(locked: Project, packages: PackageSource) -> None:
    result = built(locked)
    assert str(result.reference) == "greeting-service-1.0.0"
    assert result.is_new
    artifact = Store.of(locked).open("greeting-service-1.0.0")
    resolved = artifact.resolved
    assert artifact.digest == result.digest
    assert resolved.definition == read_source(locked, LABEL).definition
    page = resolved.components["page"]
    assert list(page.files) == [".block/greeting/bin/greet.sh", "app/deep/er/page.txt", "app/page.txt", "extra.txt"]
    assert resolved.blocks["greeting"].templates == {"greeting.j2": "{{ params.text }}\n"}
    assert resolved.components["clock"].files == {}
    assert resolved.smoke is not None
    assert {name: file.mode for name, file in resolved.smoke.files.items()} == {"smoke/check.sh": "0755"}
    assert resolved.roles_packages["web"] == ("greeter", "greeter-lib")
    for package in resolved.packages.values():
        assert artifact.blob_path(package.digest).stat().st_size == package.size
    with tarfile.open(artifact.blob_path(page.blob)) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            assert page.files[member.name].digest == f"sha256:{hashlib.sha256(content.read()).hexdigest()}"
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")


def test_links_of_a_folder_are_in_the_artifact_and_none_is_in_its_tar(locked: Project) -> None:
    tools = locked.service_defs / "greeting-service" / "app" / "node_modules"
    (tools / "mime").mkdir(parents=True)
    (tools / "mime" / "cli.js").write_text("#!/usr/bin/node\n")
    (tools / ".bin").mkdir()
    (tools / ".bin" / "mime").symlink_to("../mime/cli.js")
    (tools / "nothing").mkdir()
    progress: list[str] = []
    build(locked, read_source(locked, LABEL), progress.append)
    artifact = Store.of(locked).open_whole("greeting-service-1.0.0")
    page = artifact.resolved.components["page"]
    assert page.links == {"app/node_modules/.bin/mime": "../mime/cli.js"}
    with tarfile.open(artifact.blob_path(page.blob)) as tar:
        assert all(member.isreg() for member in tar)
    assert progress[0].startswith("app/node_modules/nothing/ is empty and left out")


def test_a_package_that_the_base_has_is_named_and_not_packed(locked: Project, packages: PackageSource) -> None:
    change(locked, "blocks/greeting/block.yaml", "packages: [greeter]", "packages: [base-lib, clock]")
    lock(locked, read_source(locked, LABEL), lambda _: None)
    resolved = Store.of(locked).open(str(built(locked).reference)).resolved
    assert resolved.base_packages == {"web": ("base-lib",)}
    assert resolved.roles_packages["web"] == ("clock", "greeter-lib")


def test_same_source_and_lock_same_digest_in_another_folder(
    locked: Project, packages: PackageSource, tmp_path: Path
) -> None:
    first = built(locked)
    other = make_project(tmp_path / "elsewhere" if (tmp_path / "elsewhere").mkdir() else tmp_path / "elsewhere" / "x")
    shutil.copy(locked.service_defs / "greeting-service" / "service.lock", other.service_defs / "greeting-service")
    for path in (other.service_defs / "greeting-service").rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    (other.service_defs / "greeting-service" / "app" / "__pycache__").mkdir()
    (other.service_defs / "greeting-service" / "app" / "__pycache__" / "x.pyc").write_text("left by a program")
    shutil.rmtree(other.images)
    assert built(other) == first


def test_the_digest_stays_the_same_from_release_to_release(locked: Project, packages: PackageSource) -> None:
    """The packages differ between architectures, so this looks at a service without any."""
    change(locked, "blocks/greeting/block.yaml", "packages: [greeter]", "packages: []")
    change(locked, "blocks/ticking/block.yaml", "packages: [clock]", "packages: []")
    lock(locked, read_source(locked, LABEL), lambda _: None)
    assert built(locked).digest == "sha256:680caf8185b89f2c1b1f3f0106860bfaeb7183dd4d7b12fe9d695d68e78fc0fd"


def test_identical_content_is_built_already(locked: Project) -> None:
    first, second = built(locked), built(locked)
    assert (second.digest, second.is_new) == (first.digest, False)


def test_an_edit_of_what_is_built_becomes_a_development_version(locked: Project) -> None:
    built(locked)
    edit(locked, "app/page.txt", "hello again\n")
    first = built(locked)
    assert first.instead_of == "1.0.0"
    assert first.reference.version.startswith("1.0.1-dev.")
    assert len(first.reference.version) == len("1.0.1-dev.") + 12
    assert not built(locked).is_new
    edit(locked, "app/page.txt", "hello once more\n")
    second = built(locked)
    assert second.reference != first.reference
    edit(locked, "app/page.txt", "hello\n")
    assert built(locked).reference.version == "1.0.0"
    assert len(Store.of(locked).list()) == 3


def test_a_development_version_is_named_by_its_content(locked: Project) -> None:
    first = built(locked, development=True)
    assert first.reference.version.startswith("1.0.1-dev.")
    assert built(locked, development=True) == Build(first.reference, first.digest, False)
    assert built(locked).reference.version == "1.0.0"


def test_another_version_is_asked_for(locked: Project) -> None:
    assert built(locked, version="3.2.4").reference.version == "3.2.4"
    assert Store.of(locked).open("greeting-service-3.2.4").definition.version == "3.2.4"


def test_other_content_under_a_version_that_is_asked_for_is_refused(locked: Project) -> None:
    before = built(locked)
    edit(locked, "app/page.txt", "hello again\n")
    with pytest.raises(SoopError, match=r"^greeting-service-1.0.0 is built already, with other content") as caught:
        built(locked, version="1.0.0")
    assert caught.value.hint is not None
    assert "choose another version" in caught.value.hint
    assert [entry.digest for entry in Store.of(locked).list()] == [before.digest]


def test_only_what_changed_is_another_blob(locked: Project) -> None:
    built(locked)
    edit(locked, "app/page.txt", "hello again\n")
    built(locked, version="1.0.1")
    store = Store.of(locked)
    old, new = (store.open(f"greeting-service-{version}").manifest for version in ("1.0.0", "1.0.1"))
    changed = {layer.digest for layer in new.layers} - {layer.digest for layer in old.layers}
    assert changed == {store.open("greeting-service-1.0.1").resolved.components["page"].blob}


def test_what_is_damaged_in_the_store_is_mended_by_building_again(locked: Project) -> None:
    first = built(locked)
    store = Store.of(locked)
    manifest = store.open("greeting-service-1.0.0").manifest
    for descriptor in [manifest.config, *manifest.layers]:
        path = store.layout.blob_file(descriptor.digest)
        path.write_bytes(b"!" * descriptor.size)
    assert built(locked).digest == first.digest
    assert [problems for _, problems in Store.of(locked).verify()] == [[]]
