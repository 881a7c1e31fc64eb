from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.build.package_choice import LockChange, lock
from soop_components.build.service_lock import FILE, load_lock, lock_text
from soop_components.build.service_source import read_source
from soop_components.errors import InvalidInput, SoopError
from soop_components.project import Project
from tests.package_source import PackageSource
from tests.unit.conftest import make_base_image

LABEL = "service_defs/greeting-service"


def relock(project: Project, refresh: bool = False) -> LockChange:
    return lock(project, read_source(project, LABEL), lambda _: None, refresh)


def edit(project: Project, file: str, before: str, after: str) -> None:
    path = project.service_defs / "greeting-service" / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def lock_file(project: Project) -> Path:
    return project.service_defs / "greeting-service" / FILE


def test_a_closure_against_the_base(project: Project, packages: PackageSource) -> None:
    assert relock(project).packages == (
        ("clock", None, "2.0"),
        ("greeter", None, "1.0-1"),
        ("greeter-lib", None, "1:1.0-1"),
    )
    made = load_lock(project.service_defs / "greeting-service", LABEL)
    assert made is not None
    assert made.roles["web"].asked == ("greeter",)
    assert made.roles["web"].packages == ("greeter", "greeter-lib")
    assert made.roles["time"].packages == ("clock", "greeter-lib")
    assert made.packages["greeter-lib"].file.startswith("greeter-lib_1%3a1.0-1_")
    assert made.base.digest == "sha256:" + "1" * 64
    assert lock_file(project).read_text() == lock_text(made)


def test_no_address_of_a_package_source_is_written(project: Project, packages: PackageSource) -> None:
    relock(project)
    assert str(packages.folder) not in lock_file(project).read_text()
    assert "copy:" not in lock_file(project).read_text()


def test_nothing_to_do_needs_no_package_source(project: Project, packages: PackageSource) -> None:
    relock(project)
    before = lock_file(project).read_bytes()
    packages.publish("greeter", "1.1-1", "greeter-lib")
    packages.vanish()
    assert not relock(project).is_new
    assert lock_file(project).read_bytes() == before


def test_what_is_missing_is_added_and_the_rest_stays(project: Project, packages: PackageSource) -> None:
    relock(project)
    packages.publish("extra", "3.0")
    edit(project, "blocks/ticking/block.yaml", "[clock]", "[clock, extra]")
    assert relock(project).packages == (("extra", None, "3.0"),)


def test_versions_that_are_served_no_more_are_replaced_when_locking_anew(
    project: Project, packages: PackageSource
) -> None:
    relock(project)
    packages.publish("greeter", "1.1-1", "greeter-lib")
    packages.publish("extra", "3.0")
    edit(project, "blocks/ticking/block.yaml", "[clock]", "[clock, extra]")
    assert relock(project).packages == (("extra", None, "3.0"), ("greeter", "1.0-1", "1.1-1"))


def test_refresh_chooses_every_version_anew(project: Project, packages: PackageSource) -> None:
    relock(project)
    packages.publish("greeter", "1.1-1")
    assert relock(project, refresh=True).packages == (("greeter", "1.0-1", "1.1-1"),)


def test_packages_that_nobody_asks_for_any_more_go(project: Project, packages: PackageSource) -> None:
    relock(project)
    edit(project, "blocks/ticking/block.yaml", "[clock]", "[]")
    assert relock(project).packages == (("clock", "2.0", None),)


def test_another_base_image_is_resolved_against(project: Project, packages: PackageSource) -> None:
    relock(project)
    make_base_image(project, digest="2")
    change = relock(project)
    assert change.is_new
    assert change.packages == ()


def test_without_a_base_image(project: Project, packages: PackageSource) -> None:
    (project.images / "debian-12.json").unlink()
    with pytest.raises(SoopError, match="the base image debian-12 is not there") as caught:
        relock(project)
    assert caught.value.hint == "make it with: soop setup debian-12"


def test_an_unknown_package(project: Project, packages: PackageSource) -> None:
    edit(project, "blocks/greeting/block.yaml", "[greeter]", "[greeter, no-such-thing]")
    with pytest.raises(SoopError, match=r"^role web on debian-12: no such Debian package: no-such-thing"):
        relock(project)
    assert not lock_file(project).exists()


def test_packages_that_cannot_be_installed(project: Project, packages: PackageSource) -> None:
    packages.publish("greeter", "1.1-1", "greeter-lib (>= 2:9)")
    with pytest.raises(SoopError, match=r"^role web on debian-12: packages greeter cannot be installed together: "):
        relock(project)


def test_a_package_in_the_version_that_is_asked_for(project: Project, packages: PackageSource) -> None:
    packages.publish("greeter", "1.1-1", "greeter-lib", beside=True)
    relock(project)
    edit(project, "blocks/greeting/block.yaml", "[greeter]", "[greeter=1.0-1]")
    assert relock(project).packages == (("greeter", "1.1-1", "1.0-1"),)
    assert relock(project, refresh=True).packages == ()
    made = load_lock(project.service_defs / "greeting-service", LABEL)
    assert made is not None
    assert made.roles["web"].asked == ("greeter=1.0-1",)
    edit(project, "blocks/greeting/block.yaml", "=1.0-1", "=1.0-2")
    with pytest.raises(SoopError, match=r"^role web on debian-12: there is no greeter 1.0-2\n") as caught:
        relock(project)
    assert caught.value.hint == "there is 1.1-1 and 1.0-1"
    assert made == load_lock(project.service_defs / "greeting-service", LABEL)


def test_a_version_counts_for_all_roles(project: Project, packages: PackageSource) -> None:
    packages.publish("greeter", "1.1-1", "greeter-lib", beside=True)
    edit(project, "blocks/ticking/block.yaml", "[clock]", "[clock, greeter=1.0-1]")
    assert ("greeter", None, "1.0-1") in relock(project).packages
    edit(project, "blocks/greeting/block.yaml", "[greeter]", "[greeter=1.1-1]")
    with pytest.raises(InvalidInput) as caught:
        read_source(project, LABEL)
    (problem,) = caught.value.problems
    assert problem.endswith(": greeter is to have version 1.0-1, and 1.1-1 in components.page")


def test_recommended_packages_come_along_where_they_are_asked_for(project: Project, packages: PackageSource) -> None:
    packages.publish("manual", "1", recommends="pager")
    packages.publish("pager", "2")
    packages.publish("extra", "3", recommends="unwanted")
    packages.publish("unwanted", "4")
    edit(project, "blocks/greeting/block.yaml", "[greeter]", "[greeter, extra, {name: manual, recommends: true}]")
    assert [name for name, _, _ in relock(project).packages] == [
        "clock", "extra", "greeter", "greeter-lib", "manual", "pager",
    ]  # fmt: skip
    edit(project, "blocks/greeting/block.yaml", ", recommends: true", "")
    assert relock(project).packages == (("pager", "2", None),)


@pytest.mark.parametrize("version", ["", "x", "1 2", "1.0=2"])
def test_what_is_not_the_version_of_a_package(project: Project, version: str) -> None:
    edit(project, "blocks/greeting/block.yaml", "[greeter]", f"['greeter={version}']")
    with pytest.raises(InvalidInput, match="is not the version of a Debian package"):
        read_source(project, LABEL)


@pytest.mark.parametrize("name", ["--purge", "greeter-", "Greeter", "greeter libc6", "/etc/passwd"])
def test_what_is_not_the_name_of_a_package(project: Project, name: str) -> None:
    edit(project, "blocks/greeting/block.yaml", "[greeter]", f"['{name}']")
    with pytest.raises(InvalidInput) as caught:
        read_source(project, LABEL)
    problem = f"{LABEL}/service.yaml: components.page: {name!r} is not the name of a Debian package"
    assert caught.value.problems == (problem,)


def test_a_source_that_is_not_signed_by_somebody_trusted(project: Project, packages: PackageSource) -> None:
    (packages.folder / "trusted" / "source.gpg").unlink()
    with pytest.raises(SoopError, match=r"no bookworm main|cannot be fetched"):
        relock(project)


def test_a_lock_somebody_damaged(project: Project, packages: PackageSource) -> None:
    relock(project)
    path = lock_file(project)
    path.write_text(
        path.read_text().replace('packages: ["clock", ', 'packages: ["cloak", ').replace("sha256:1", "md5:1")
    )
    with pytest.raises(InvalidInput) as caught:
        relock(project)
    (problem,) = caught.value.problems
    assert problem.startswith(
        f"{LABEL}/service.lock: base.digest: expected a digest, sha256: and 64 hexadecimal digits"
    )
    path.write_text(path.read_text().replace("md5:1", "sha256:1"))
    with pytest.raises(InvalidInput, match=r"service.lock: roles.time.packages\[0\]: package cloak is not among"):
        relock(project)


def test_a_lock_with_the_marks_of_a_merge_is_mended_by_refreshing(project: Project, packages: PackageSource) -> None:
    relock(project)
    good = lock_file(project).read_text()
    lock_file(project).write_text(good.replace("format:", "<<<<<<< HEAD\nformat:"))
    with pytest.raises(InvalidInput, match=rf"^{LABEL}/service.lock: line \d+, column \d+: not YAML") as caught:
        relock(project)
    assert caught.value.hint == f"restore it out of git, or make it anew: soop lock --refresh {LABEL}"
    assert relock(project, refresh=True).is_new
    assert lock_file(project).read_text() == good
