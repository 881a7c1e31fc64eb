"""The domains of a project: those that have state, those that have a definition, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from soop_components.engine.checkpoints import DamagedState
from soop_components.engine.engine import Engine
from soop_components.engine.history import Run
from soop_components.engine.stack_locks import Lock
from soop_components.engine.state import StackState
from soop_components.errors import SoopError
from soop_components.model.names import did_you_mean
from soop_components.project import Project

_PARALLEL = 4


@dataclass(frozen=True)
class DomainStatus:
    """One domain; ``state`` is None when it has a definition only."""

    id: str
    state: StackState | None = None
    last_run: Run | None = None
    unknown_run: str | None = None
    """Why it is not known how the last run ended."""
    locks: tuple[Lock, ...] = ()
    damage: str | None = None
    """What is wrong with its state, which then says nothing."""

    @property
    def is_deployed(self) -> bool:
        """Whether there is anything of it."""
        return self.damage is not None or (self.state is not None and self.state.resources > 0)

    @property
    def unfinished(self) -> str | None:
        """What another deployment is doing, or what a killed one left to clear; None when all runs ended in order."""
        living = next((lock for lock in self.locks if not lock.is_dead), None)
        if living:
            return f"is being changed by {living}; wait until it has ended"
        if self.damage:
            return self.damage
        if self.locks or (self.state and self.state.pending_creates):
            return (
                f"a deployment was killed; `soop recover {self.id}` clears what it left, and the next `soop deploy` too"
            )
        return None


def domain_lock(project: Project, id: str) -> AbstractContextManager[None]:
    """Keep other soop commands of this checkout from changing the domain; beyond it, the engine's own lock does."""
    return project.lock(id, SoopError(f"another soop command is changing {id}", "wait until it has ended"))


def stack_of(engine: Engine, domain: str) -> str:
    """Return the domain's stack; raise ``SoopError`` if it has none."""
    stacks = engine.stacks()
    if domain in stacks:
        return domain
    raise unknown_domain(engine.project, domain, stacks)


def unknown_domain(project: Project, domain: str, stacks: Sequence[str]) -> SoopError:
    """Say that a domain is not deployed, or does not exist at all."""
    known = project.domain_ids()
    if domain in known:
        return SoopError(f"{domain} is not deployed", f"run `soop deploy SERVICE-VERSION {domain}`")
    everything = sorted({*known, *stacks})
    hint = did_you_mean(domain, everything) or f"there are {', '.join(everything) or 'none yet'}"
    return SoopError(f"there is no domain {domain}", hint)


def overview(engine: Engine, wanted: str | None) -> tuple[DomainStatus, ...]:
    """Return the status of one domain, or of all that are deployed or defined."""
    stacks = engine.stacks()
    known = sorted({*stacks, *engine.project.domain_ids()})
    if wanted is not None and wanted not in known:
        raise unknown_domain(engine.project, wanted, stacks)
    ids = [wanted] if wanted is not None else known
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return tuple(pool.map(lambda id: _status(engine, id) if id in stacks else DomainStatus(id), ids))


def _status(engine: Engine, id: str) -> DomainStatus:
    try:
        state = engine.state(id)
    except DamagedState as error:
        return DomainStatus(id, locks=engine.locks(id), damage=str(error))
    try:
        return DomainStatus(id, state, engine.last_run(id), locks=engine.locks(id))
    except SoopError as error:  # a record of a run that was cut off: nothing else needs it
        unknown = f"how the last run ended is not known; the damaged record may be removed: {error.message}"
        return DomainStatus(id, state, unknown_run=unknown, locks=engine.locks(id))
