"""Clears what a killed engine left in a stack: its lock, creations whose outcome it did not see, a damaged state."""

from __future__ import annotations

from collections.abc import Callable

from soop_components.engine.engine import Engine
from soop_components.engine.state import StackState
from soop_components.errors import SoopError
from soop_components.machines.kinds import kind_of

Report = Callable[[str], None]


def recover(engine: Engine, id: str, report: Report, *, force: bool = False) -> bool:
    """Make a stack usable again and report each step; return whether there was anything to do.

    Raises ``SoopError`` when another process may still be at work on the stack, unless ``force`` says that it is not.
    """
    if not force:
        refuse_if_busy(engine, id)
    restored = _restore(engine, id, report)
    unlocked = _clear_locks(engine, id, report, force)
    state = engine.state(id)
    cleared = _clear_pending_creates(engine, id, state, report)
    swept = kind_of(state.machines).sweep(engine.project)
    for what in swept:
        report(f"removed what a killed run left: {what}")
    return bool(swept) or cleared or unlocked or restored


def refuse_if_busy(engine: Engine, id: str) -> None:
    """Raise ``SoopError`` when another process may be at work on the stack."""
    lock = next((each for each in engine.locks(id) if not each.is_dead), None)
    if lock and lock.is_here:
        raise SoopError(f"{id} is being changed by {lock}", "wait until it has ended")
    if lock:
        message = f"{id} is locked by {lock}; whether it still runs cannot be seen from here"
        raise SoopError(message, f"when it does not: soop recover --force {id}")


def _restore(engine: Engine, id: str, report: Report) -> bool:
    """Restore a state that is damaged."""
    path = engine.damaged(id)
    if path is None:
        return False
    copy = engine.restore(id)
    if copy is None:
        hint = (
            "restore the file from a backup of yours; if there is none: `soop clean` removes all machines on this host"
        )
        raise SoopError(f"the state of {id} is damaged, and so are all copies that the engine keeps: {path}", hint)
    report(f"{id}: restored its damaged state from {copy}; the damaged one is {path.name}.damaged")
    report(f"{id}: what was changed after that copy is not in it: the next `soop deploy` looks at the nodes")
    return True


def _clear_locks(engine: Engine, id: str, report: Report, force: bool) -> bool:
    locks = engine.locks(id)
    if not locks and not force:
        return False
    engine.cancel(id)
    for lock in locks:
        report(f"{id}: removed the lock of {lock}" + (", which is gone" if lock.is_dead else ""))
    if not engine.sees_locks:
        report(f"{id}: removed its locks, if there were any: this backend does not show them")
    return bool(locks) or not engine.sees_locks


def _clear_pending_creates(engine: Engine, id: str, state: StackState, report: Report) -> bool:
    """Let the engine forget unfinished creations; what one of them made after all is adopted by our provider alone."""
    if not state.pending_creates:
        return False
    for type, name in state.unknown_elsewhere:
        advice = kind_of(state.machines).unknown_native(type, name)
        report(f"{id}: {type} {name} may have been made, and will not be in the state: {advice}")
    engine.refresh(id, clear_pending_creates=True)
    report(f"{id}: cleared the interrupted creation of {', '.join(state.pending_creates)}")
    return True
