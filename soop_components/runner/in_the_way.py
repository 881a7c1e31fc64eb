"""What lies where the document wants another kind of thing: folders of ours go, what is not ours is refused.

A rollback refuses nothing: what a failed version has let others put there is moved aside.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from soop_components.runner.directories import named_folders, needed_folders
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.places import is_temporary
from soop_components.runner.replaced import copy_of
from soop_components.runner.work import Work


def check(work: Work) -> None:
    """Fail, before the first change, for what is in the way and is not ours."""
    problems = [] if work.rolling_back else list(_problems(work))
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise Failure("plan", f"{problems[0]}{more}; move it away by hand")


def _problems(work: Work) -> Iterator[str]:
    for path in sorted(work.document.paths):
        if _is_folder(work.host, path) and (strange := next(_not_ours(work, path), None)):
            holds = "" if strange == path else f", which holds {strange}"
            yield f"{path} is a folder{holds}, not made by soop, and the new version has a file or link there"
    for path in _barred(work):
        if path not in work.ledger.paths or _has_copy(work.host, path):
            yield f"{path} is no folder, was there before soop, and the new version has a folder there"


def clear(work: Work) -> None:
    """Remove our folders where a file or link will be; a rollback moves aside what then is still in the way."""
    for path in sorted(work.document.paths):
        if _is_folder(work.host, path):
            work.begin_change()
            _remove_ours(work, path)
            if _is_folder(work.host, path):
                _move_aside(work, path)
    for path in _barred(work):
        work.begin_change()
        _move_aside(work, path)


def _mode(host: Host, path: str) -> int:
    try:
        return os.lstat(host.places.real(path)).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _is_folder(host: Host, path: str) -> bool:
    return stat.S_ISDIR(_mode(host, path))


def _barred(work: Work) -> Iterator[str]:
    """Yield the paths that must be folders and are something else; a link above another path may lead to a folder."""
    named = named_folders(work.document)
    for path in sorted(needed_folders(work.document)):
        mode = _mode(work.host, path)
        if mode and not stat.S_ISDIR(mode) and (path in named or not stat.S_ISLNK(mode)):
            yield path


def _has_copy(host: Host, path: str) -> bool:
    return os.path.lexists(copy_of(host, path))


def _not_ours(work: Work, folder: str) -> Iterator[str]:
    """Yield a folder if we did not make it; else everything in it that we did not make."""
    record = work.ledger.directories.get(folder)
    if record is None or not record.created:
        yield folder
        return
    for path in (f"{folder}/{name}" for name in work.host.places.names(folder) if not is_temporary(name)):
        if _is_folder(work.host, path):
            yield from _not_ours(work, path)
        elif path not in work.ledger.paths or _has_copy(work.host, path):
            yield path


def _remove_ours(work: Work, path: str) -> None:
    """Remove the folders at and below a path that are ours and empty, the deepest first."""
    ours = [name for name in work.ledger.directories if name == path or name.startswith(f"{path}/")]
    for name in sorted(ours, key=len, reverse=True):
        if work.ledger.directories[name].created and work.host.places.remove_folder(name):
            work.changed("directory", name, "remove")
            del work.ledger.directories[name]


def _move_aside(work: Work, path: str) -> None:
    if not work.rolling_back:
        raise Failure("plan", f"{path} is in the way, and holds what soop did not make; move it away by hand")
    name, number = f"{os.path.basename(path)}.not-soop", 1
    while work.host.places.look(f"{os.path.dirname(path)}/{name}") is not None:
        number += 1
        name = f"{os.path.basename(path)}.not-soop-{number}"
    work.host.places.move(path, name)
    work.events.progress(f"{path} is in the way of the rollback and holds what soop did not make: it is now {name}")
