"""Files: rendered texts and members of blobs, units' files included."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from soop_components.runner.accounts import gid_of, owner_text, uid_of
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.ledger import FileRecord, Ledger, Stat
from soop_components.runner.managed_paths import ManagedPaths
from soop_components.runner.marks import holds_secret
from soop_components.runner.places import chunks
from soop_components.runner.plan import Component, File
from soop_components.runner.vocabulary import Change
from soop_components.runner.work import Work

_SECRET_MODE = 0o640
_UNWRITTEN = (0, 0, 0, 0)


class Goal(NamedTuple):
    """A file as it should be."""

    path: str
    file: File
    blob: str | None
    mode: str
    text: str
    hash: str | None
    """Of its bytes; None for a file of a blob, whose ``text`` is the digest of its bytes."""


class Files(ManagedPaths):
    """Rendered texts and members of blobs."""

    step = "files"
    kind = "file"

    def check(self, work: Work) -> None:
        """Find secrets that were not given."""
        for component in work.document.components:
            goals(work, component)

    def pending_in(self, work: Work, component: Component) -> list[Change]:
        return [Change("file", goal.path, "write") for goal in goals(work, component) if self._differs(work, goal)]

    def _differs(self, work: Work, goal: Goal) -> bool:
        record = work.ledger.files.get(goal.path)
        if record is None and goal.path not in work.ledger.paths and (record := _as_wanted(work.host, goal)):
            work.ledger.files[goal.path] = record
        if record is None or record.text != goal.text or (goal.hash is not None and record.hash != goal.hash):
            return True
        if (record.mode, record.owner, record.group) != (goal.mode, goal.file.owner, goal.file.group):
            return True
        return bool(self.details(work.host, goal.path, record))

    def carry_out(self, work: Work, component: Component) -> None:
        todo = [goal for goal in goals(work, component) if self._differs(work, goal)]
        if not todo:
            return
        work.events.progress(f"writing {len(todo)} files ({component.name})")
        self.keep_what_is_replaced(work, (goal.path for goal in todo))
        for goal in todo:
            file = goal.file
            work.ledger.disown(goal.path)
            work.ledger.files[goal.path] = FileRecord("", "", goal.mode, file.owner, file.group, _UNWRITTEN)
        work.begin_change(goal.path for goal in todo)
        for goal in todo:
            _write(work, goal)
            work.changed("file", goal.path, "write")
        work.save()

    def records(self, ledger: Ledger) -> Mapping[str, FileRecord]:
        return ledger.files

    def details(self, host: Host, name: str, record: FileRecord) -> list[str]:
        found = host.places.look(name)
        if found is None:
            return ["missing"]
        if not stat.S_ISREG(found.st_mode):
            return [f"is a {'symbolic link' if stat.S_ISLNK(found.st_mode) else 'folder'}, not a file"]
        changed = state_of(found) != record.stat and hash_of(host, name) != record.hash
        return ["content changed"] * changed + access_details(found, record.mode, record.owner, record.group)


def goals(work: Work, component: Component) -> list[Goal]:
    """Return the files of a component and of its units, worked out once."""
    if component.name not in work.goals:
        units = {path: File(content=unit.content) for path, unit in component.unit_files.items()}
        files = {**component.files, **units}
        work.goals[component.name] = [_goal(work, path, file, component.blob) for path, file in files.items()]
    return work.goals[component.name]


def _goal(work: Work, path: str, file: File, blob: str | None) -> Goal:
    mode = int(file.mode, 8)
    if file.content is None:
        if file.digest is None:
            raise Failure("plan", f"{path} has neither content nor digest")
        return Goal(path, file, blob, f"{mode:04o}", file.digest, None)
    if file.secret or holds_secret(file.content):
        mode &= _SECRET_MODE
    return Goal(path, file, blob, f"{mode:04o}", *work.hashes(file.content))


def _as_wanted(host: Host, goal: Goal) -> FileRecord | None:
    """Return the record of a file that is already what it should be, whoever wrote it."""
    found = host.places.look(goal.path)
    if found is None or not stat.S_ISREG(found.st_mode):
        return None
    if access_details(found, goal.mode, goal.file.owner, goal.file.group):
        return None
    hash_, digest = host.hasher(), hashlib.sha256()
    with host.places.open(goal.path) as file:
        for chunk in chunks(file):
            hash_.update(chunk)
            digest.update(chunk)
    same = goal.hash == hash_.hexdigest() or goal.text == "sha256:" + digest.hexdigest()
    return _record(goal, hash_.hexdigest(), found) if same else None


def _write(work: Work, goal: Goal) -> None:
    """Write a file unless it is right already: in a rollback from a full disk there is no room to write it again."""
    record = _as_wanted(work.host, goal)
    if record is None:
        file, hash_ = goal.file, work.host.hasher()

        def passing() -> Iterator[bytes]:
            for chunk in work.content(goal.blob, file):
                hash_.update(chunk)
                yield chunk

        owner = uid_of(file.owner), gid_of(file.group)
        found = work.host.places.write(goal.path, passing(), int(goal.mode, 8), *owner, work.folder_made)
        record = _record(goal, hash_.hexdigest(), found)
    work.ledger.files[goal.path] = record


def _record(goal: Goal, hash_: str, found: os.stat_result) -> FileRecord:
    return FileRecord(goal.text, hash_, goal.mode, goal.file.owner, goal.file.group, state_of(found))


def hash_of(host: Host, path: str) -> str:
    """Return the keyed hash of a file's bytes."""
    hasher = host.hasher()
    with host.places.open(path) as file:
        for chunk in chunks(file):
            hasher.update(chunk)
    return hasher.hexdigest()


def state_of(found: os.stat_result) -> Stat:
    """Return what changes whenever a file is written or its access changes."""
    return (found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)


def access_details(found: os.stat_result, mode: str, owner: str, group: str) -> list[str]:
    """Return how mode and owner differ, in words."""
    texts = []
    if stat.S_IMODE(found.st_mode) != int(mode, 8):
        texts.append(f"mode {stat.S_IMODE(found.st_mode):04o}, not {mode}")
    now = owner_text(found.st_uid, found.st_gid)
    if now != f"{owner}:{group}":
        texts.append(f"owner {now}, not {owner}:{group}")
    return texts
