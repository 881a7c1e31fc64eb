"""An update of a domain before anything is done: what its definition would say, the plan of that, and its preview."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from soop_components.deployment.domain_file import DomainFile
from soop_components.deployment.domain_plan import plan_of
from soop_components.deployment.passphrase_check import check_passphrase
from soop_components.deployment.plan_file import VARIABLE, write_plan
from soop_components.engine.domains import unknown_domain
from soop_components.engine.engine import Engine
from soop_components.errors import SoopError
from soop_components.machines.kinds import kind_of
from soop_components.model.domain import LoseData
from soop_components.model.names import Reference
from soop_components.model.service_plan import DomainPlan
from soop_components.model.versions import version_key
from soop_components.preview import DomainPreview, preview_of_steps
from soop_components.project import Project
from soop_components.reading.domain_text import is_begun, references_in


@dataclass(frozen=True)
class PlannedUpdate:
    """``text`` is what the definition would say, ``references`` are the services that are to be accepted."""

    file: DomainFile
    before: str | None
    """What the definition said when it was read; None: there was none."""
    text: str
    plan: DomainPlan
    references: tuple[Reference, ...]

    @classmethod
    def deploying(cls, project: Project, id: str, references: Sequence[Reference]) -> PlannedUpdate:
        """Plan the domain with these references in its definition, which may not be there yet."""
        file = DomainFile(project, id)
        before = file.read()
        text, plan = file.deploying(references)
        return cls(file, before, text, plan, tuple(references))

    @classmethod
    def as_defined(cls, project: Project, id: str) -> PlannedUpdate:
        """Plan the domain as its definition is."""
        file = DomainFile(project, id)
        before = file.read()
        if before is None:
            raise unknown_domain(project, id, ())
        if is_begun(before):
            raise SoopError(f"{file.label} has no services yet", f"run `soop deploy SERVICE-VERSION {id}`")
        text, plan = file.deploying(())
        return cls(file, before, text, plan, references_in(text))

    def avoiding(self, nodes: Collection[str]) -> PlannedUpdate:
        """Return the update with a plan in which services in front of these nodes send them nothing."""
        domain = self.file.definition(self.text)
        return replace(self, plan=plan_of(self.file.project, domain, self.file.label, nodes))

    def losing_data(self, by: str) -> PlannedUpdate:
        """Return the update with the user's word about each downgrade in its plan."""
        project, plan = self.file.project, self.plan
        engine = Engine(project)
        state = engine.state(plan.id) if plan.id in engine.stacks() else None
        services = []
        for service in plan.services:
            running = state.running(service.service) if state else None
            if running is not None and version_key(running) > version_key(service.version):
                word = LoseData.model_validate({"from": running, "to": service.version, "by": by})
                service = service.model_copy(update={"lose_data": word})
            services.append(service)
        return replace(self, plan=replace(plan, services=tuple(services)))

    @contextmanager
    def engine(self, variables: Mapping[str, str] | None = None) -> Iterator[PlannedEngine]:
        """Yield an engine that carries out this very plan, with these variables in its environment."""
        run = self.file.project.home / "run"
        run.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=run) as folder:
            plan_file = Path(folder) / "plan.json"
            write_plan(self.plan, plan_file)
            environ = {**os.environ, VARIABLE: str(plan_file), **(variables or {})}
            refreshes = kind_of(self.plan.environment.machines).refreshes
            engine = Engine(self.file.project, environ, refreshes=refreshes)
            exists = self.file.id in engine.stacks()
            if not exists:
                environment = self.plan.environment
                check_passphrase(self.file.project, self.file.id, environment, engine.environment, is_new=True)
            yield PlannedEngine(engine, self, Path(folder), exists)


@dataclass(frozen=True)
class PlannedEngine:
    """An engine that was handed a planned update; ``exists`` says whether the domain had a stack before."""

    engine: Engine
    update: PlannedUpdate
    folder: Path
    exists: bool

    def preview(self) -> DomainPreview:
        """Ask the engine what it would do, which looks at the nodes; changes nothing."""
        file = self.update.file
        candidate = self.folder / file.path.name
        candidate.write_bytes(self.update.text.encode())
        with nullcontext() if self.exists else self._stack():
            digest = self.engine.preview_steps(file.id, candidate)
        order = [service.service for service in self.update.plan.services]
        return preview_of_steps(file.id, digest.resource_steps(), digest.messages("warning"), order)

    @contextmanager
    def _stack(self) -> Iterator[None]:
        """Have a stack for a moment, which the engine needs for a preview."""
        file = self.update.file
        before = file.read()
        self.engine.make_stack(file.id)
        made = file.read()
        try:
            yield
        finally:
            self.engine.remove_stack(file.id)
            if file.read() == made:
                file.restore(before)
