from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from soop_components.artifact.store import Store
from soop_components.build.builder import build
from soop_components.build.package_choice import lock
from soop_components.build.service_source import read_source
from soop_components.project import Project
from tests.package_source import ARCHITECTURE, Key, PackageSource


@pytest.fixture(scope="session")
def signing_key() -> Iterator[Key]:
    key = Key()
    yield key
    key.forget()


@pytest.fixture(scope="session")
def first_packages(tmp_path_factory: pytest.TempPathFactory, signing_key: Key) -> PackageSource:
    source = PackageSource(tmp_path_factory.mktemp("packages") / "source", signing_key)
    source.publish("greeter", "1.0-1", "greeter-lib (>= 1.0), base-lib")
    source.publish("greeter-lib", "1:1.0-1")
    source.publish("clock", "2.0", "greeter-lib")
    return source


@pytest.fixture
def packages(tmp_path: Path, first_packages: PackageSource, monkeypatch: pytest.MonkeyPatch) -> PackageSource:
    """The package source of this host, as far as soop knows."""
    source = first_packages.copy(tmp_path / "source")
    monkeypatch.setenv("APT_CONFIG", str(source.host_settings))
    return source


@pytest.fixture(scope="session")
def lock_of_greeting_service(tmp_path_factory: pytest.TempPathFactory, first_packages: PackageSource) -> str:
    """The lock of the project's service definition, which is the same in every test."""
    project = make_project(tmp_path_factory.mktemp("locked") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APT_CONFIG", str(first_packages.host_settings))
        source = read_source(project, str(project.service_defs / "greeting-service"))
        lock(project, source, lambda _: None)
    return (source.folder / "service.lock").read_text()


@pytest.fixture(scope="session")
def store_of_greeting_service(
    tmp_path_factory: pytest.TempPathFactory, first_packages: PackageSource, lock_of_greeting_service: str
) -> Path:
    """A store with greeting-service-1.0.0, to be copied."""
    project = make_project(tmp_path_factory.mktemp("built") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APT_CONFIG", str(first_packages.host_settings))
        folder = project.service_defs / "greeting-service"
        (folder / "service.lock").write_text(lock_of_greeting_service)
        build(project, read_source(project, str(folder)), lambda _: None)
    return project.store


@pytest.fixture
def store(locked: Project, store_of_greeting_service: Path) -> Store:
    """The project's store, with greeting-service-1.0.0 in it."""
    shutil.copytree(store_of_greeting_service, locked.store)
    return Store.of(locked)


@pytest.fixture
def locked(project: Project, packages: PackageSource, lock_of_greeting_service: str) -> Project:
    """A project whose service definition can be built."""
    (project.service_defs / "greeting-service" / "service.lock").write_text(lock_of_greeting_service)
    return project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one service definition and a base image, which is the working directory."""
    monkeypatch.delenv("SOOP_STORE", raising=False)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made.root)
    return made


def make_project(root: Path) -> Project:
    """Make a project; made twice, it is the same twice but for its folder."""
    root.mkdir()
    (root / "Pulumi.yaml").write_text("name: soop\nruntime: python\nbackend: {url: 'file://./.soop/state'}\n")
    project = Project(root)
    project.make_home()
    make_base_image(project)
    write_files(project.service_defs / "greeting-service", GREETING_SERVICE)
    (project.service_defs / "greeting-service" / "smoke" / "check.sh").chmod(0o755)
    return project


def make_base_image(project: Project, digest: str = "1") -> None:
    """Make as much of a base image as soop looks at."""
    dpkg = project.images / "debian-12" / "var" / "lib" / "dpkg"
    dpkg.mkdir(parents=True, exist_ok=True)
    installed = "Package: base-lib\nStatus: install ok installed\nVersion: 1.0\nMaintainer: Nobody <x@y>\n"
    (dpkg / "status").write_text(f"{installed}Architecture: {ARCHITECTURE}\nDescription: of a test\n\n")
    record = {"name": "debian-12", "digest": f"sha256:{digest * 64}"}
    (project.images / "debian-12.json").write_text(json.dumps(record))


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (os.getpid(), os.getpid()))


GREETING_SERVICE = {
    "service.yaml": """\
format: 1
service: greeting-service
version: 1.0.0
summary: Greets.
config:
  port: {type: integer, default: 8080}
  token: {type: string, secret: true, generate: 32}
components:
  page:
    uses: greeting
    with: {files: {app/: /opt/app/, extra.txt: /etc/extra}, text: "Hello from {{ config.port }}"}
  clock: {uses: ticking}
nodes:
  web: {components: [page], count: {default: 2}}
  time: {components: [clock], after: [web], disk: {size: 1GiB, mount: /srv/time}}
endpoints:
  http: {role: web, port: "{{ config.port }}"}
smoke_tests:
  - {name: answers, http: {endpoint: http}}
  - {name: inside, script: smoke/check.sh}
""",
    "app/page.txt": "hello\n",
    "app/deep/er/page.txt": "hello, deeper\n",
    "extra.txt": "",
    "smoke/check.sh": "#!/bin/sh\n",
    "blocks/greeting/block.yaml": """\
format: 1
block: greeting
summary: Greets.
parameters:
  files: {type: map, keys: path, items: string, default: {}}
  text: {type: string, required: true}
packages: [greeter]
trees: "{{ params.files }}"
files:
  /etc/greeting: {template: greeting.j2}
scripts:
  - {name: greet, program: bin/greet.sh}
""",
    "blocks/greeting/greeting.j2": "{{ params.text }}\n",
    "blocks/greeting/bin/greet.sh": "#!/bin/sh\necho hello\n",
    "blocks/ticking/block.yaml": "format: 1\nblock: ticking\nsummary: Ticks.\npackages: [clock]\n",
}
