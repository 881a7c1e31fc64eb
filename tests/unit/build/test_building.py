from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from soop_components.artifact import oci
from soop_components.artifact.store import Store
from soop_components.build.builder import Build, build
from soop_components.build.package_cache import LockedPackageGone
from soop_components.build.package_choice import lock
from soop_components.build.service_source import read_source
from soop_components.errors import InvalidInput, SoopError
from soop_components.project import Project
from tests.package_source import PackageSource
from tests.unit.conftest import make_project

LABEL = "service_defs/greeting-service"


def built(project: Project, version: str | None = None, development: bool = False) -> Build:
    return build(project, read_source(project, LABEL), lambda _: None, version, development)


def edit(project: Project, file: str, text: str) -> None:
    (project.service_defs / "greeting-service" / file).write_text(text)


def change(project: Project, file: str, before: str, after: str) -> None:
    path = project.service_defs / "greeting-service" / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


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


def test_no_package_source_is_needed_once_packages_are_here(locked: Project, packages: PackageSource) -> None:
    built(locked)
    packages.vanish()
    edit(locked, "app/page.txt", "hello again\n")
    assert built(locked).is_new
    shutil.rmtree(locked.cache)
    assert built(locked, version="2.0.0").is_new
    shutil.rmtree(locked.store)
    with pytest.raises(SoopError, match="the package sources of this machine have no bookworm main"):
        built(locked)


def test_a_locked_package_that_is_served_no_more(locked: Project, packages: PackageSource) -> None:
    packages.publish("greeter", "1.1-1", "greeter-lib")
    packages.withdraw("clock")
    with pytest.raises(LockedPackageGone) as caught:
        built(locked)
    assert caught.value.gone == {"clock": "2.0", "greeter": "1.0-1"}
    assert caught.value.message == f"{LABEL}: the package mirror no longer has what is locked: clock 2.0, greeter 1.0-1"
    assert caught.value.hint == f"choose the present versions with: soop lock --refresh {LABEL}"
    assert Store.of(locked).list() == []


def test_a_package_with_other_content_under_the_same_version(locked: Project, packages: PackageSource) -> None:
    packages.publish("clock", "2.0", "greeter-lib", content="something else")
    with pytest.raises(LockedPackageGone) as caught:
        built(locked)
    assert caught.value.gone == {"clock": "2.0"}


def test_a_package_that_is_damaged_in_the_cache_is_fetched_again(locked: Project, packages: PackageSource) -> None:
    first = built(locked)
    shutil.rmtree(locked.store)
    for path in (locked.cache / "debs").glob("*.deb"):
        path.write_bytes(b"!" + path.read_bytes()[1:])
    assert built(locked) == first


def test_what_is_damaged_in_the_store_is_mended_by_building_again(locked: Project) -> None:
    first = built(locked)
    store = Store.of(locked)
    manifest = store.open("greeting-service-1.0.0").manifest
    for descriptor in [manifest.config, *manifest.layers]:
        path = store.layout.blob_file(descriptor.digest)
        path.write_bytes(b"!" * descriptor.size)
    assert built(locked).digest == first.digest
    assert [problems for _, problems in Store.of(locked).verify()] == [[]]


def test_without_a_lock(project: Project) -> None:
    with pytest.raises(SoopError, match="has no service") as caught:
        built(project)
    assert caught.value.hint == f"run: soop lock {LABEL}"


def test_a_lock_that_does_not_fit(locked: Project) -> None:
    change(locked, "blocks/greeting/block.yaml", "[greeter]", "[salute]")
    path = locked.service_defs / "greeting-service" / "service.lock"
    path.write_text(path.read_text().replace('"debian-12"', '"debian-11"').replace("  time:", "  clock:"))
    with pytest.raises(InvalidInput) as caught:
        built(locked)
    assert caught.value.problems == (
        f"{LABEL}/service.lock: base.name: expected debian-12 (got debian-11)",
        f"{LABEL}/service.lock: roles.web: package salute is not locked",
        f"{LABEL}/service.lock: roles.web: package greeter is not needed",
        f"{LABEL}/service.lock: roles.time: package clock is not locked",
        f"{LABEL}/service.lock: roles.clock: the service has no such role",
    )
    assert caught.value.hint == f"run: soop lock {LABEL}"


def test_a_template_that_cannot_be_rendered(locked: Project) -> None:
    edit(locked, "blocks/greeting/greeting.j2", "hello\n{{ config.tokn }}\n")
    with pytest.raises(InvalidInput) as caught:
        built(locked)
    (problem,) = caught.value.problems
    place = r"service.yaml: line \d+: components.page \(block greeting/greeting.j2\): line 2: "
    assert re.fullmatch(rf"{LABEL}/{place}'tokn' is not defined\n  did you mean token\?", problem)
    assert Store.of(locked).list() == []


def test_a_mistake_is_reported_before_packages_are_fetched(locked: Project, packages: PackageSource) -> None:
    packages.vanish()
    change(locked, "service.yaml", "Hello from {{ config.port }}", "{{ node.number == 1 }}")
    with pytest.raises(InvalidInput, match="looks inside a secret or a node's name"):
        built(locked)


def test_a_template_in_the_definition_that_cannot_be_rendered_is_reported_by_its_line(locked: Project) -> None:
    path = locked.service_defs / "greeting-service" / "service.yaml"
    change(locked, "service.yaml", "extra.txt: /etc/extra", "extra.txt: '/etc/{{ config.tokn }}'")
    (line,) = [number for number, text in enumerate(path.read_text().splitlines(), 1) if "config.tokn" in text]
    with pytest.raises(InvalidInput) as caught:
        built(locked)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{LABEL}/service.yaml: line {line}: components.page.with.files")
    assert problem.endswith(": 'tokn' is not defined\n  did you mean token?")


def test_a_lock_with_a_wrong_size(locked: Project) -> None:
    path = locked.service_defs / "greeting-service" / "service.lock"
    text = path.read_text()
    path.write_text(re.sub(r'("size": )(\d+)', r"\g<1>7", text, count=1))
    with pytest.raises(InvalidInput) as caught:
        built(locked)
    assert re.fullmatch(rf"{LABEL}/service.lock: packages.clock.size: expected \d+ \(got 7\)", caught.value.problems[0])
    assert caught.value.hint == f"restore it out of git, or make it anew: soop lock --refresh {LABEL}"


def test_a_package_of_a_role_that_is_not_in_the_lock(locked: Project) -> None:
    path = locked.service_defs / "greeting-service" / "service.lock"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("  clock:")))
    with pytest.raises(InvalidInput) as caught:
        built(locked)
    assert caught.value.problems == (
        f"{LABEL}/service.lock: roles.time.packages[0]: package clock is not among the packages",
    )
    assert "soop lock --refresh" in str(caught.value.hint)


def test_a_base_image_that_nobody_makes(locked: Project) -> None:
    change(locked, "service.yaml", "service: greeting-service", "service: greeting-service\nbase: debian-21")
    with pytest.raises(InvalidInput) as caught:
        built(locked)
    problem = f"{LABEL}/service.yaml: base: no base image debian-21; did you mean debian-13?"
    assert caught.value.problems == (problem,)


def test_an_artifact_that_would_be_too_large(locked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "MAXIMUM_ARTIFACT", 4096)
    with pytest.raises(SoopError, match=rf"^{LABEL}: expected at most 0 GiB in all blobs together, not \d+ bytes\n"):
        built(locked)
    assert Store.of(locked).list() == []


def test_mistakes_of_all_components_at_once(project: Project) -> None:
    change(project, "service.yaml", "extra.txt: /etc/extra", "gone.txt: /etc/x, ../up: /x, '{{ a }}': /y")
    change(project, "service.yaml", "uses: ticking", "uses: tickin")
    with pytest.raises(InvalidInput) as caught:
        read_source(project, LABEL)
    place = f"{LABEL}/service.yaml: components.page.with: "
    assert caught.value.problems == (
        f"{LABEL}/service.yaml: components.clock.uses: no block tickin; did you mean ticking?",
        f"{place}files: '../up' must not contain '.', '..' or empty parts",
        f"{place}files: '{{{{ a }}}}' is a template; what is packed cannot depend on a domain",
        f"{place}gone.txt: no such file",
    )


def test_mistakes_in_what_components_refer_to_beside_those_in_the_file(project: Project) -> None:
    change(project, "service.yaml", "extra.txt: /etc/extra", "gone.txt: /etc/x")
    change(project, "service.yaml", "uses: ticking", "uses: tickin")
    change(project, "service.yaml", "summary:", "sumary: x\nsummary:")
    with pytest.raises(InvalidInput) as caught:
        read_source(project, LABEL)
    assert caught.value.problems == (
        f"{LABEL}/service.yaml: sumary: unknown key; did you mean summary?",
        f"{LABEL}/service.yaml: components.clock.uses: no block tickin; did you mean ticking?",
        f"{LABEL}/service.yaml: components.page.with: gone.txt: no such file",
    )


def test_a_definition_that_is_not_there(project: Project) -> None:
    with pytest.raises(SoopError, match=r"^greting: there is no service.yaml in this folder") as caught:
        read_source(project, "greting")
    assert caught.value.hint == f"there is {LABEL}"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
@pytest.mark.timeout(20)
def test_files_that_are_none(locked: Project, make: Callable[[Path], None]) -> None:
    folder = locked.service_defs / "greeting-service"
    for name in ("service.lock", "service.yaml"):
        (folder / name).unlink()
        make(folder / name)
        with pytest.raises(
            InvalidInput, match=rf"^{LABEL}/{name}: cannot be read: [Ii]s (not a regular file|a directory)"
        ):
            built(locked)


@pytest.mark.parametrize("name", ["greeting-service", LABEL, f"{LABEL}/", f"./{LABEL}"])
def test_ways_to_name_a_definition(project: Project, name: str) -> None:
    assert read_source(project, name).label == LABEL
