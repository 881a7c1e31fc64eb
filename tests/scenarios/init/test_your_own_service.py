"""docs/your-own-service.md as written: a project of one's own, with soop installed as a package, on real machines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from soop_components.project import Project
from tests.scenarios.init.shell import Shell, document
from tests.scenarios.workspace import CHECKOUT, Workspace, empty_folder, get, share_what_was_fetched

PAGE = CHECKOUT / "docs/your-own-service.md"
CLEAN_UP = "soop destroy"
"""How the last commands of the page begin; the tests that come after look at what is there before."""


class Reader:
    """Somebody who does what the page says."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.root = folder / "our-services"
        self.shell = Shell(folder, environment)
        self._packages = environment["PYTHONPATH"]
        self.said = ""
        self.seen: set[str] = set()

    def do(self, kind: str, text: str) -> None:
        """Take one step."""
        if kind == "$":
            if text.endswith("soop setup"):
                share_what_was_fetched(Project(self.root))
            self.said = self.shell.must(self._of_today(text))
        elif kind == "json":
            self.sees(json.loads(text))
        else:
            file = self.root / kind
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def project(self) -> Workspace:
        """Return what the reader has made, for a look at it."""
        made = Workspace(self.root)
        made.environment["PYTHONPATH"] = self._packages
        return made

    def _of_today(self, command: str) -> str:
        """Put in the digest that was printed for the one that the page shows."""
        printed = re.search(r"hello-service-0\.1\.1-dev\.\S+", self.said)
        return re.sub(r"hello-service-0\.1\.1-dev\.\S+", printed[0], command) if printed else command

    def sees(self, answer: object) -> None:
        """Ask every address that the last command showed."""
        urls = re.findall(r"http://[0-9.:]+", self.said)
        assert len(urls) == 2, self.said
        for url in urls:
            assert get(url) == (200, answer)


def files(folder: Path) -> list[str]:
    """Return everything in a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the reader's shell has: Pulumi on PATH, and Python packages without the network.

    Everything that this checkout's environment holds is there but soop itself, which the reader installs.
    """
    packages = tmp_path_factory.mktemp("packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "soop" not in entry.name:
            (packages / entry.name).symlink_to(entry)
    ours = ("VIRTUAL_ENV", "PYTHON", "PULUMI_", "SOOP_")
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.startswith(str(CHECKOUT))]
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "PATH": os.pathsep.join([str(CHECKOUT / ".toolchain/bin"), *path]),
        "PYTHONPATH": str(packages),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's way of saying that there is none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.fixture(scope="module")
def reader(environment: dict[str, str]) -> Iterator[Reader]:
    """A reader who has come to the last chapter."""
    with empty_folder("init") as folder:
        tracked = subprocess.run(
            ["git", "ls-files", "-z", "--", "soop_components", "pyproject.toml", "setup.py", "README.md", "LICENSE"],
            cwd=CHECKOUT, check=True, capture_output=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        for name in filter(None, tracked):
            target = folder / "soop" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target)
        clone = files(folder / "soop")
        person = Reader(folder, environment)
        try:
            for kind, text in document(PAGE):
                if not text.startswith(CLEAN_UP):
                    person.do(kind, text)
            assert files(folder / "soop") == clone
            yield person
        finally:
            person.shell.end()


def test_soop_is_installed_as_a_package(reader: Reader) -> None:
    where = reader.shell.must("python -c 'import soop_components; print(soop_components.__file__)'")
    assert where.startswith(f"{reader.root}/.venv/lib/")
    assert re.search(r"^soop-components==\d", (reader.root / "requirements.txt").read_text(), re.MULTILINE)


def test_a_bare_pulumi_up_works_and_changes_nothing(reader: Reader) -> None:
    project = reader.project()
    for domain in ("dev-hello", "dev-handbook"):
        assert project.changes(domain) == {}
        assert "unchanged" in reader.shell.must(f"pulumi up --yes --skip-preview --stack {domain}")
    assert sorted(project.service("dev-handbook", "handbook-service")["nodes"]) == [
        "web-1.handbook-service.dev-handbook",
        "web-2.handbook-service.dev-handbook",
    ]


def test_what_soop_init_wrote_is_what_git_gets(reader: Reader) -> None:
    reader.shell.must("git init -q . && git add -A")
    added = set(reader.shell.must("git ls-files").splitlines())
    assert {"Pulumi.yaml", "__main__.py", "requirements.txt", ".gitignore", ".ci/run", "README.md"} <= added
    assert {"service_defs/hello-service/service.lock", "docs/schemas/service.json"} <= added
    assert not any(name.startswith((".soop", ".venv")) for name in added)


def test_continuous_integration_tries_every_definition_and_leaves_nothing(reader: Reader) -> None:
    """One of them has a secret, and the run before was killed."""
    definition = reader.root / "service_defs/hello-service/service.yaml"
    domain = reader.root / "stacks/Pulumi.dev-hello.yaml"
    text = re.sub(r"(?m)^version: .*$", "version: 0.3.0", definition.read_text())
    definition.write_text(re.sub(r"greeting: \{.*\}", "greeting: {type: string, secret: true}", text))
    earlier = domain.read_text()
    without = re.sub(r"(?m)^ +config: \{greeting.*\n", "", earlier)
    domain.write_text(re.sub(r"hello-service-0\S*", "hello-service-0.3.0", without))
    greeting = "soop:secrets.hello-service.greeting"
    reader.shell.must(f"echo Welcome | pulumi config set --stack dev-hello --secret --path {greeting}")
    before = files(reader.root / "stacks")
    (reader.root / "stacks/Pulumi.dev-trial-hello.yaml").write_text(earlier)
    said = reader.shell.must(".ci/run")
    assert "dev-trial-hello is gone" in said
    assert "dev-trial-handbook is gone" in said
    assert "dev-trial-trial" not in said
    assert files(reader.root / "stacks") == before
    stacks = json.loads(reader.shell.must("pulumi stack ls --json"))
    assert sorted(stack["name"] for stack in stacks) == ["dev-handbook", "dev-hello"]


def test_continuous_integration_that_fails_leaves_nothing_either(reader: Reader) -> None:
    domain = reader.root / "stacks/Pulumi.dev-handbook.yaml"
    good = domain.read_text()
    domain.write_text(good.replace("handbook-service-1.0.0", "handbook-service-7.0.0"))
    before = files(reader.root / "stacks")
    assert "handbook-service is there as 1.0.0" in reader.shell.must("! .ci/run")
    domain.write_text(good)
    assert files(reader.root / "stacks") == before
    stacks = json.loads(reader.shell.must("pulumi stack ls --json"))
    assert sorted(stack["name"] for stack in stacks) == ["dev-handbook", "dev-hello"]


def test_the_last_chapter_removes_everything(reader: Reader) -> None:
    for kind, text in document(PAGE):
        if text.startswith(CLEAN_UP):
            reader.do(kind, text)
    assert list((reader.root / ".soop/machines").glob("*/*")) == []
    assert json.loads(reader.shell.must("pulumi stack ls --json")) == []


def test_a_project_is_not_begun_over_another(reader: Reader) -> None:
    said = reader.project().fails("soop", "init")
    assert "Pulumi.yaml: is there already" in said
