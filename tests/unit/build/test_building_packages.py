"""A build takes packages from the lock alone, and fetches what is not here."""

from __future__ import annotations

import re
import shutil

import pytest

from soop_components.artifact.store import Store
from soop_components.build.package_cache import LockedPackageGone
from soop_components.errors import InvalidInput, SoopError
from soop_components.project import Project
from tests.package_source import PackageSource
from tests.unit.build.greeting import LABEL, built, change, edit


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
