"""Python packages are chosen for the base's Python, locked by hash, and packed as blobs of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from soop_components.artifact.store import Store
from soop_components.build.builder import build
from soop_components.build.package_choice import LockChange, lock
from soop_components.build.service_lock import load_lock
from soop_components.build.service_source import read_source
from soop_components.build.wheels import WheelCache
from soop_components.errors import InvalidInput, SoopError
from soop_components.model.names import Reference
from soop_components.project import Project
from tests.package_source import PackageSource
from tests.unit.conftest import write_files
from tests.wheel_source import WheelSource

LABEL = "service_defs/pages-service"
FILES = {
    "service.yaml": """\
format: 1
service: pages-service
version: 1.0.0
components:
  web: {uses: python_application, with: {application: app, command: greeter}}
nodes:
  web: {components: [web]}
""",
    "app/requirements.txt": "greeter>=1  # says hello\n",
    "app/pages.py": "print('pages')\n",
}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelSource:
    source = WheelSource(tmp_path / "wheels")
    source.use(monkeypatch)
    source.publish("greeter", "1.0", ("words", 'older>=1; python_version < "3.13"'))
    source.publish("greeter", "1.1", ("words", 'older>=1; python_version < "3.13"'))
    source.publish("words", "2.0", tag="cp311-cp311-manylinux_2_17_x86_64.manylinux_2_17_aarch64")
    source.publish("words", "2.0", tag="cp313-cp313-manylinux_2_17_x86_64.manylinux_2_17_aarch64")
    source.publish("older", "3.0")
    return source


@pytest.fixture
def pages(project: Project, packages: PackageSource, wheels: WheelSource) -> Project:
    packages.publish("python3-pip-whl", "23.0")
    write_files(project.service_defs / "pages-service", FILES)
    return project


def relock(project: Project, refresh: bool = False) -> LockChange:
    return lock(project, read_source(project, LABEL), lambda _: None, refresh)


def built(project: Project) -> Reference:
    return build(project, read_source(project, LABEL), lambda _: None).reference


def asks(project: Project, text: str, file: str = "requirements.txt") -> None:
    (project.service_defs / "pages-service" / "app" / file).write_text(text)


def locked(project: Project) -> dict[str, str]:
    found = load_lock(project.service_defs / "pages-service", LABEL)
    assert found is not None
    return {wheel.file: wheel.version for wheel in found.python["web"].wheels}


@pytest.mark.parametrize(("base", "python", "older"), [("debian-12", "cp311", True), ("debian-13", "cp313", False)])
def test_python_is_that_of_the_base_and_not_that_which_runs_soop(
    tmp_path: Path, wheels: WheelSource, base: str, python: str, older: bool
) -> None:
    chosen = WheelCache(tmp_path / "cache").choose(base, ["greeter"], {}, lambda _: None)
    assert chosen["words"].file.startswith(f"words-2.0-{python}-{python}-")
    assert ("older" in chosen) == older


def test_versions_stay_until_a_refresh(pages: Project, wheels: WheelSource) -> None:
    asks(pages, "greeter<1.1\n")
    relock(pages)
    assert not relock(pages).is_new
    asks(pages, "greeter\nolder\n")
    relock(pages)
    assert locked(pages)["greeter-1.0-py3-none-any.whl"] == "1.0"
    change = relock(pages, refresh=True)
    assert change.packages == (("web/greeter", "1.0", "1.1"),)


def test_each_locked_wheel_is_a_blob_and_a_line_of_code_changes_none(pages: Project) -> None:
    assert relock(pages).packages == (
        ("python3-pip-whl", None, "23.0"),
        ("web/greeter", None, "1.1"),
        ("web/older", None, "3.0"),
        ("web/words", None, "2.0"),
    )
    store = Store.of(pages)
    first = store.open_whole(str(built(pages)))
    component = first.resolved.components["web"]
    assert list(component.files) == [".block/python_application/environment.sh", "app/pages.py", "app/requirements.txt"]
    assert sorted(component.apart) == [f".wheels/{file}" for file in sorted(locked(pages))]
    for file in component.apart.values():
        assert first.blob_path(file.digest).stat().st_size == file.size
    asks(pages, "print('other pages')\n", "pages.py")
    second = store.open_whole(str(built(pages)))
    changed = {layer.digest for layer in second.manifest.layers} - {layer.digest for layer in first.manifest.layers}
    assert changed == {second.resolved.components["web"].blob}


def test_a_build_takes_what_is_locked(pages: Project, wheels: WheelSource) -> None:
    relock(pages)
    wheels.publish("greeter", "1.2")
    before = built(pages)
    shutil.rmtree(pages.cache / "wheels")
    assert built(pages) == before  # out of the store
    shutil.rmtree(pages.store)
    assert built(pages) == before  # out of the index
    shutil.rmtree(pages.store)
    shutil.rmtree(pages.cache / "wheels")
    wheels.publish("greeter", "1.1", content="other = 1\n")
    with pytest.raises(SoopError, match="pip says") as caught:
        built(pages)
    assert f"soop lock --refresh {LABEL}" in (caught.value.hint or "")
    asks(pages, "older\n")
    with pytest.raises(InvalidInput) as refused:
        built(pages)
    assert refused.value.problems == (
        f"{LABEL}/service.lock: python.web: older is not locked",
        f"{LABEL}/service.lock: python.web: greeter>=1 is not asked for",
    )
    assert refused.value.hint == f"run: soop lock {LABEL}"


def test_an_application_that_asks_for_nothing(pages: Project) -> None:
    asks(pages, "# nothing\n")
    assert relock(pages).packages == (("python3-pip-whl", None, "23.0"),)
    assert locked(pages) == {}
    assert Store.of(pages).open_whole(str(built(pages))).resolved.components["web"].apart == {}


def test_a_package_that_cannot_be_had(pages: Project, wheels: WheelSource) -> None:
    wheels.publish("compiled", "1.0", tag="cp310-cp310-manylinux_2_17_x86_64")
    for name in ("compiled", "nowhere"):
        asks(pages, f"{name}\n")
        with pytest.raises(SoopError, match=f"component web on debian-12: .*uv says(.|\n)*{name}"):
            relock(pages)


PROJECT = '[project]\nname = "pages"\nversion = "1"\ndependencies = ["greeter==1.0", "older"]\n'


def test_a_pyproject(pages: Project) -> None:
    (pages.service_defs / "pages-service" / "app" / "requirements.txt").unlink()
    asks(pages, PROJECT, "pyproject.toml")
    assert read_source(pages, LABEL).python == {"web": ("greeter==1.0", "older")}


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("requirements.txt", "-r more.txt\n", "-r more.txt: options are not read"),
        ("requirements.txt", "--index-url https://user:pass@x/\n", "options are not read"),
        ("requirements.txt", "x @ https://x.org/x.whl\n", "by its name"),
        ("requirements.txt", "./libs/x\n", "by its name"),
        ("requirements.txt", "git+https://x.org/x\n", "by its name"),
        ("pyproject.toml", "[project", "Expected ']'"),
        ("pyproject.toml", "[tool.poetry]\n", r"has no table \[project\]"),
        ("pyproject.toml", '[project]\ndynamic = ["dependencies"]\n', "dependencies are dynamic"),
        ("pyproject.toml", '[project]\ndependencies = "x"\n', "expected a list of texts"),
        ("setup.py", "", "app: has neither requirements.txt nor pyproject.toml"),
    ],
)
def test_requirements_that_cannot_be_locked(pages: Project, file: str, text: str, problem: str) -> None:
    (pages.service_defs / "pages-service" / "app" / "requirements.txt").unlink()
    asks(pages, text, file)
    with pytest.raises(InvalidInput, match=problem) as caught:
        read_source(pages, LABEL)
    assert caught.value.problems[0].startswith(f"{LABEL}/app")
    assert len(caught.value.problems) == 1


def test_requirements_with_hashes_and_comments(pages: Project) -> None:
    asks(
        pages,
        "# pinned\r\ngreeter==1.0 \\\r\n    --hash=sha256:00 \\\r\n    --hash=sha256:11\r\n    # via x\r\n\r\nolder\n",
    )
    assert read_source(pages, LABEL).python == {"web": ("greeter==1.0", "older")}


def test_two_applications_have_other_versions_of_a_package(pages: Project) -> None:
    folder = pages.service_defs / "pages-service"
    text = (folder / "service.yaml").read_text()
    other = "  other: {uses: python_application, with: {application: other, command: greeter}}\nnodes:"
    text = text.replace("nodes:", other).replace("[web]", "[web, other]")
    write_files(folder, {"service.yaml": text, "other/requirements.txt": "greeter<1.1\n"})
    relock(pages)
    shutil.rmtree(pages.cache / "wheels")
    built(pages)
    found = Store.of(pages).open_whole("pages-service-1.0.0").resolved.components
    assert [any("greeter-1.1" in file for file in found[name].apart) for name in ("web", "other")] == [True, False]
