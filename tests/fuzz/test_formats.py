"""The YAML formats under fire: whatever is in a file, it is planned or refused with a message; never a traceback.

500 documents, always the same, belong to the tests; `make soak` tries 10,000 others.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import HealthCheck, given, settings

from soop_components.artifact.definition import Base, PackedFile, PackedFiles, ResolvedDefinition
from soop_components.artifact.store import Entry, Store
from soop_components.build.service_source import Source, read_source
from soop_components.build.source_files import SourceFile
from soop_components.build.trial import try_plan
from soop_components.deployment.domain_file import DomainFile
from soop_components.deployment.environment_file import load_environment
from soop_components.errors import SoopError
from soop_components.library import LIBRARY
from soop_components.model.block import Block
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.names import Reference
from soop_components.model.plan import Package
from soop_components.model.service import ServiceDefinition
from soop_components.planning.domain import Definition, plan_domain
from soop_components.project import Project
from soop_components.reading.domain_text import with_services
from soop_components.reading.loader import load_domain
from soop_components.reading.yaml_file import parse_yaml
from tests.domains import check_domain, domain_from_config
from tests.fuzz.documents import documents
from tests.unit.library.examples import CONFIG, FILES, example_of

ROOT = Path(__file__).parents[2]
SEEDS = Path(__file__).parent / "seeds"
"""Documents that use what the shipped ones do not."""
DIGEST = "sha256:" + "0" * 64
SHIPPED = sorted((ROOT / "service_defs").glob("*/service.yaml"))
SERVICES = [*SHIPPED, SEEDS / "service.yaml"]
BLOCKS = [*sorted(LIBRARY.glob("*/block.yaml")), SEEDS / "everything" / "block.yaml"]
DOMAINS = [*sorted((ROOT / "stacks").glob("Pulumi.*.yaml")), SEEDS / "Pulumi.dev-access.yaml"]
ENVIRONMENTS = [*sorted((ROOT / "stacks" / "environments").glob("*.yaml")), SEEDS / "environment.yaml"]
LINE = re.compile(
    r"((service_defs|stacks)/\S+|dev\.yaml|x|[a-z][a-z0-9-]*-[0-9]+\.[0-9]+\.[0-9]+\S*): .|  \S|[0-9]+ more mistakes"
)
"""What a line of a message begins with: the file, the service definition that is planned, or advice."""
LONGEST_LINE = 1100
LONGEST_WAIT = 2
"""Seconds of the processor that one document may take; most take a hundredth."""
CHANGED = (Reference("access-service", "3.2.4"), Reference("other-service", "1.0.0"))
"""What is deployed into each domain definition that is right."""


def texts(paths: list[Path]) -> list[str]:
    assert paths
    return [path.read_text() for path in paths]


class Shelf(NamedTuple):
    """A store with one artifact in it."""

    resolved: ResolvedDefinition

    def list(self) -> list[Entry]:
        definition = self.resolved.definition
        return [Entry(reference=Reference(definition.service, definition.version), digest=DIGEST, stored=None)]

    def open(self, _: str) -> Shelf:
        return self


class Ground(NamedTuple):
    """A project whose files are replaced by what is tried."""

    project: Project
    shipped: dict[str, Definition]

    def service(self, content: bytes) -> None:
        """Read a service definition with all it refers to, and plan it for a made-up domain."""
        folder = self.project.service_defs / "any-service"
        (folder / "service.yaml").write_bytes(content)
        self._build(read_source(self.project, "any-service"))

    def block(self, name: str, content: bytes) -> None:
        """Do the same with a service that brings this block of its own."""
        given = json.dumps(example_of(name, block_folder(name)))
        definition = f"{EXAMPLE}components:\n  example:\n    uses: {name}\n    with: {given}\n"
        folder = self.project.service_defs / "example-service"
        (folder / "service.yaml").write_text(definition)
        (folder / "blocks" / name / "block.yaml").write_bytes(content)
        self._build(read_source(self.project, "example-service"))

    def _build(self, source: Source) -> None:
        resolved = resolved_of(source)
        ResolvedDefinition.model_validate_json(resolved.model_dump_json(by_alias=True))
        try_plan(resolved, cast(Store, Shelf(self.shipped["access-service"].resolved)))

    def domain(self, content: bytes, id: str = "dev-access") -> None:
        """Read a domain definition as its file, and as Pulumi hands it over, and plan it."""
        file = DomainFile(self.project, id)
        file.path.write_bytes(content)
        text = file.read()
        assert text is not None
        data = parse_yaml(content, "x").data
        config = data.get("config") if isinstance(data, dict) else None
        if isinstance(config, dict):
            as_pulumi_says = [config.get(f"soop:{key}") for key in ("environment", "services")]
            with suppress(SoopError):
                domain_from_config(id, *as_pulumi_says, {}, "x")
        definition = file.definition(text)
        with suppress(SoopError):
            file.definition(with_services(text, CHANGED))
        environment = ROOT / "stacks" / "environments" / f"{definition.environment}.yaml"
        self._plan(definition, load_environment(environment, "dev.yaml"))

    def environment(self, content: bytes) -> None:
        """Read an environment and plan a domain in it."""
        path = self.project.environments / "dev.yaml"
        path.write_bytes(content)
        environment = load_environment(path, "dev.yaml")
        self._plan(load_domain(ROOT / "stacks/Pulumi.dev-access.yaml", "dev-access", "x"), environment)

    def _plan(self, domain: DomainDefinition, environment: Environment) -> None:
        names = {service.reference.service for service in domain.services}
        shipped = {name: definition for name, definition in self.shipped.items() if name in names}
        check_domain(domain, {name: each.resolved.definition for name, each in shipped.items()}, "x", environment)
        if names == set(shipped):
            plan_domain(domain, environment, shipped)


EXAMPLE = f"""\
format: 1
service: example-service
version: 1.0.0
config: {json.dumps(CONFIG)}
nodes: {{web: {{components: [example]}}, database: {{components: [example]}}}}
"""


def block_folder(name: str) -> Path:
    return next(path.parent for path in BLOCKS if path.parent.name == name)


def resolved_of(source: Source) -> ResolvedDefinition:
    """Return what a build would put into the definition, packages made up."""
    return ResolvedDefinition(
        definition=source.definition,
        blocks={name: loaded.block for name, loaded in source.blocks.items()},
        components={name: packed(dict(files)) for name, files in source.components.items()},
        smoke=packed(dict(source.smoke)) if source.smoke else None,
        packages={each.name: a_package() for asked in source.packages.values() for each in asked},
        roles_packages={role: tuple(each.name for each in asked) for role, asked in source.packages.items()},
        base=Base(name=source.definition.base, digest=DIGEST),
    )


def packed(files: dict[str, SourceFile]) -> PackedFiles:
    listed = {name: PackedFile(digest=DIGEST, size=1, mode=file.mode) for name, file in files.items()}
    return PackedFiles(blob=DIGEST, files=listed)


@cache
def a_package() -> Package:
    return Package(version="1.0", architecture="all", digest=DIGEST, size=1)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    root = tmp_path_factory.mktemp("fuzz") / "project"
    shutil.copytree(ROOT / "service_defs", root / "service_defs")
    (root / "stacks" / "environments").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text("name: soop\nruntime: python\n")
    for path in SHIPPED:
        shutil.copytree(path.parent, root / "service_defs" / "any-service", dirs_exist_ok=True)
    example = root / "service_defs" / "example-service"
    for name, text in FILES.items():
        (example / name).parent.mkdir(parents=True, exist_ok=True)
        (example / name).write_text(text)
    for path in BLOCKS:
        shutil.copytree(path.parent, example / "blocks" / path.parent.name)
    project = Project(root)
    sources = [read_source(project, path.parent.name) for path in SHIPPED]
    return Ground(project, {each.definition.service: Definition(resolved_of(each), DIGEST) for each in sources})


def in_a_domain(data: Any) -> Any:
    return {"config": {f"soop:{key}": value for key, value in data.items() if key != "id"}}


class Format(NamedTuple):
    """How many of a thousand documents are of a format, what they look like, and what is done with one."""

    share: int
    documents: Any
    attempt: Callable[[Ground, bytes], None]


def block(path: Path) -> Format:
    name = path.parent.name
    share = 60 if name == "everything" else 240 // (len(BLOCKS) - 1)
    return Format(share, documents(Block, [path.read_text()]), lambda ground, content: ground.block(name, content))


FORMATS = {
    "service": Format(400, documents(ServiceDefinition, texts(SERVICES)), Ground.service),
    "domain": Format(180, documents(DomainDefinition, texts(DOMAINS), in_a_domain), Ground.domain),
    "environment": Format(120, documents(Environment, texts(ENVIRONMENTS)), Ground.environment),
    **{f"block {path.parent.name}": block(path) for path in BLOCKS},
}


def fire(ground: Ground, kind: str, count: int, derandomize: bool) -> None:
    """Try so many documents; what is neither planned nor refused is shown, made as small as possible."""

    @settings(
        max_examples=count * FORMATS[kind].share // 1000,
        derandomize=derandomize,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(FORMATS[kind].documents)
    def each(content: bytes) -> None:
        planned_or_refused(ground, kind, content)

    each()


def planned_or_refused(ground: Ground, kind: str, content: bytes) -> None:
    """Try one document; a refusal is lines that name their place and can be read, and comes soon."""
    began = time.thread_time()
    try:
        FORMATS[kind].attempt(ground, content)
    except SoopError as error:
        for line in str(error).split("\n"):
            assert line.isprintable()
            assert len(line) <= LONGEST_LINE
            assert LINE.match(line)
    assert time.thread_time() - began < LONGEST_WAIT


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_shipped_is_planned(ground: Ground, kind: str) -> None:
    if kind == "domain":
        for path in DOMAINS:
            ground.domain(path.read_bytes(), path.stem.removeprefix("Pulumi."))
        return
    shipped = {"service": SERVICES, "environment": ENVIRONMENTS}.get(kind)
    for path in shipped or [block_folder(kind.split()[1]) / "block.yaml"]:
        FORMATS[kind].attempt(ground, path.read_bytes())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", FORMATS)
def test_documents(ground: Ground, kind: str) -> None:
    fire(ground, kind, 500, derandomize=True)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", FORMATS)
def test_many_documents(ground: Ground, kind: str) -> None:
    fire(ground, kind, 10_000, derandomize=False)
