"""What an update of each domain that a branch touches would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from soop_components.branch.git_base import GitBase
from soop_components.branch.touched import DomainNames, Touch, touched
from soop_components.deployment.domain_file import DomainFile
from soop_components.engine import Engine
from soop_components.engine.planned_update import PlannedUpdate
from soop_components.errors import InvalidInput, SoopError
from soop_components.machines import WITH_DATA
from soop_components.model.names import Reference, environment_of
from soop_components.model.service_plan import DomainPlan
from soop_components.preview import DomainPreview, preview_of_plans
from soop_components.project import Project
from soop_components.reading.yaml_file import read_yaml

Compared = Literal["state", "definitions"]


@dataclass(frozen=True)
class TouchedDomain:
    """A domain that a branch touches."""

    id: str
    touches: tuple[Touch, ...]
    preview: DomainPreview | None = None
    """None where it could not be made, and where the definition is removed."""
    compared: Compared | None = None
    """``state``: with what is deployed; ``definitions``: with what the definitions of the base would deploy."""
    problems: tuple[str, ...] = ()
    """Why it could not be compared with what is deployed, or not at all."""


def touched_domains(
    project: Project, base: GitBase, *, ask_engine: bool, progress: Callable[[str], None]
) -> tuple[TouchedDomain, ...]:
    """Say of each domain that differs from the base what an update would do, without an engine by definitions alone."""
    names = {id: _names_in(project, id) for id in project.domain_ids()}
    changed = base.changed()
    with base.checked_out() as before:
        found = touched(changed, names, _sources(project), _sources(before))
        state = _State.seen(project) if ask_engine and found else _State()
        domains = []
        for id, touches in found.items():
            progress(f"looking at {id}")
            domains.append(_domain(project, before, state, id, touches))
    return tuple(domains)


@dataclass(frozen=True)
class _State:
    """The domains whose state can be seen from here, or why none can."""

    domains: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @classmethod
    def seen(cls, project: Project) -> _State:
        try:
            return cls(Engine(project).stacks())
        except SoopError as error:
            first, *more = _problems(error)
            return cls(problems=(f"what is deployed cannot be seen from here: {first}", *more))


def _domain(project: Project, before: Project, state: _State, id: str, touches: tuple[Touch, ...]) -> TouchedDomain:
    if not project.domain_file(id).exists():
        return TouchedDomain(id, touches)
    try:
        update = PlannedUpdate.as_defined(project, id)
        if id in state.domains:
            with update.engine({WITH_DATA: "1"}) as engine:  # it says what is lost, and that an update needs the word
                return TouchedDomain(id, touches, engine.preview(), "state")
        preview = preview_of_plans(_earlier(before, id), update.plan)
    except SoopError as error:
        return TouchedDomain(id, touches, problems=(*state.problems, *_problems(error)))
    return TouchedDomain(id, touches, preview, "definitions", state.problems)


def _earlier(before: Project, id: str) -> DomainPlan | None:
    """Return the plan of a domain as it was where the branch left its base."""
    if not before.domain_file(id).exists():
        return None
    try:
        return PlannedUpdate.as_defined(before, id).plan
    except SoopError as error:
        raise InvalidInput([f"where the branch left its base: {each}" for each in _problems(error)]) from None


def _problems(error: SoopError) -> tuple[str, ...]:
    lines = error.problems if isinstance(error, InvalidInput) else tuple(error.message.splitlines())
    return (*lines, *([error.hint] if error.hint else []))


def _names_in(project: Project, id: str) -> DomainNames:
    """Return what a domain definition names, as far as it makes sense; mistakes are told when it is planned."""
    file = DomainFile(project, id)
    try:
        definition = file.definition(file.read() or "")
    except SoopError:
        return DomainNames(environment_of(id))
    return DomainNames(definition.environment, tuple(service.reference for service in definition.services))


def _sources(project: Project) -> Mapping[str, Reference]:
    """Return what each folder of service definitions would be built as."""
    found = {path.parent.name: _built_as(path) for path in project.service_defs.glob("*/service.yaml")}
    return {folder: reference for folder, reference in found.items() if reference}


def _built_as(path: Path) -> Reference | None:
    try:
        data = read_yaml(path, path.name).data
        return Reference.parse(f"{data['service']}-{data['version']}")
    except (SoopError, ValueError, TypeError, KeyError):
        return None
