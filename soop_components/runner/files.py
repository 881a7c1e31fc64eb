"""Files: rendered texts and members of blobs, units' files included."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

from soop_components.runner import replaced
from soop_components.runner.accounts import gid_of, owner_text, uid_of
from soop_components.runner.document import UNIT_FOLDER
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.ledger import FileRecord, Stat
from soop_components.runner.marks import holds_secret
from soop_components.runner.plan import Component, File
from soop_components.runner.work import Work

_SECRET_MODE = 0o640
_UNWRITTEN = (0, 0, 0, 0)


class Goal(NamedTuple):
    """A file as it shall be."""

    path: str
    file: File
    blob: str | None
    mode: str
    text: str
    hash: str | None
    """Of its bytes; None when only its text is known."""


def goals(work: Work, component: Component) -> list[Goal]:
    """Return the files of a component and of its units, worked out once."""
    if component.name not in work.goals:
        work.goals[component.name] = _goals(work, component)
    return work.goals[component.name]


def _goals(work: Work, component: Component) -> list[Goal]:
    units = {
        f"{UNIT_FOLDER}/{name}": File(content=unit.content)
        for name, unit in component.units.items()
        if unit.content is not None
    }
    return [_goal(work, path, file, component.blob) for path, file in {**component.files, **units}.items()]


def _goal(work: Work, path: str, file: File, blob: str | None) -> Goal:
    mode = int(file.mode, 8)
    if file.content is None:
        if file.source is None or file.digest is None:
            raise Failure("plan", f"{path} has neither content nor source and digest")
        return Goal(path, file, blob, f"{mode:04o}", file.digest, None)
    if file.secret or holds_secret(file.content):
        mode &= _SECRET_MODE
    return Goal(path, file, blob, f"{mode:04o}", *work.identity(file.content))


def pending(work: Work, component: Component) -> list[Goal]:
    """Return the files that are not as they shall be."""
    return [goal for goal in goals(work, component) if _differs(work, goal)]


def _differs(work: Work, goal: Goal) -> bool:
    record = work.ledger.files.get(goal.path) or _adopted(work, goal)
    if record is None or record.text != goal.text or (goal.hash is not None and record.hash != goal.hash):
        return True
    if (record.mode, record.owner, record.group) != (goal.mode, goal.file.owner, goal.file.group):
        return True
    return bool(drift(work.host, goal.path, record))


def _adopted(work: Work, goal: Goal) -> FileRecord | None:
    """Take over a file that is already what it shall be."""
    found = work.host.places.look(goal.path)
    if goal.path in work.ledger.paths or found is None or not stat.S_ISREG(found.st_mode):
        return None
    content = work.host.places.read(goal.path)
    hash_ = work.host.hash(content)
    same = goal.hash == hash_ or goal.text == "sha256:" + hashlib.sha256(content).hexdigest()
    if not same or access_drift(found, goal.mode, goal.file.owner, goal.file.group):
        return None
    work.ledger.files[goal.path] = _record(goal, hash_, found)
    return work.ledger.files[goal.path]


def carry_out(work: Work, component: Component) -> None:
    """Write what differs; what somebody else had put there is kept aside once."""
    todo = pending(work, component)
    if not todo:
        return
    work.events.progress(f"writing {len(todo)} files ({component.name})")
    for goal in todo:
        if goal.path not in work.ledger.paths:
            replaced.keep(work.host, goal.path)
        file = goal.file
        work.ledger.disown(goal.path)
        work.ledger.files[goal.path] = FileRecord("", "", goal.mode, file.owner, file.group, _UNWRITTEN)
    work.touch(goal.path for goal in todo)
    for goal in todo:
        _write(work, goal)
        work.changed(f"file {goal.path}")
    work.save()


def _write(work: Work, goal: Goal) -> None:
    file = goal.file
    if file.content is not None:
        content = work.render(file.content) or b""
    else:
        content = work.blobs.member(goal.blob, file.source or "", file.digest)
    found = _kept(work.host, goal, content)
    if found is None:
        owner = uid_of(file.owner), gid_of(file.group)
        found = work.host.places.write(goal.path, content, int(goal.mode, 8), *owner, work.folder_made)
    work.ledger.files[goal.path] = _record(goal, work.host.hash(content), found)


def _kept(host: Host, goal: Goal, content: bytes) -> os.stat_result | None:
    """Find that a file was never replaced after all: on the way back from a full disk there is no room to write it."""
    found = host.places.look(goal.path)
    if found is None or not stat.S_ISREG(found.st_mode) or found.st_size != len(content):
        return None
    if access_drift(found, goal.mode, goal.file.owner, goal.file.group) or host.places.read(goal.path) != content:
        return None
    return found


def _record(goal: Goal, hash_: str, found: os.stat_result) -> FileRecord:
    return FileRecord(goal.text, hash_, goal.mode, goal.file.owner, goal.file.group, state_of(found))


def state_of(found: os.stat_result) -> Stat:
    """Return what stays the same as long as nobody touches a file."""
    return (found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)


def drift(host: Host, path: str, record: FileRecord) -> list[str]:
    """Say how a file differs from how we left it."""
    found = host.places.look(path)
    if found is None:
        return [f"file {path}: missing"]
    if not stat.S_ISREG(found.st_mode):
        return [f"file {path}: is a {'symbolic link' if stat.S_ISLNK(found.st_mode) else 'folder'}, not a file"]
    texts = []
    if state_of(found) != record.stat and host.hash(host.places.read(path)) != record.hash:
        texts.append(f"file {path}: content changed")
    return texts + [f"file {path}: {text}" for text in access_drift(found, record.mode, record.owner, record.group)]


def access_drift(found: os.stat_result, mode: str, owner: str, group: str) -> list[str]:
    """Say how mode and owner differ."""
    texts = []
    if stat.S_IMODE(found.st_mode) != int(mode, 8):
        texts.append(f"mode {stat.S_IMODE(found.st_mode):04o}, not {mode}")
    now = owner_text(found.st_uid, found.st_gid)
    if now != f"{owner}:{group}":
        texts.append(f"owner {now}, not {owner}:{group}")
    return texts
