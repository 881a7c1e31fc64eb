"""Checks the migrations of databases when they are built: a node could not roll back all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, get_args

from soop_components.build import mariadb_migrations, postgresql_migrations
from soop_components.build.source_files import SourceFile
from soop_components.library import LIBRARY, LoadedBlock
from soop_components.library.postgresql.migrate.files import NAME, declarations
from soop_components.model.data import Migration, MigrationKind
from soop_components.model.problem import unknown
from soop_components.model.service import Component


class Dialect(NamedTuple):
    """What is different from database to database."""

    words: tuple[str, ...]
    """What heads can declare beside the kind of a migration."""
    problems: Callable[[str, Mapping[int, list[str]], bool], Iterator[tuple[int, str]]]
    """Yields the mistakes in a file's text, with its head, and whether that tells the kind."""


_DIALECTS = {
    LIBRARY / "postgresql": Dialect(postgresql_migrations.WORDS, postgresql_migrations.problems),
    LIBRARY / "mariadb": Dialect(mariadb_migrations.WORDS, mariadb_migrations.problems),
}
"""By folder of the block: one of a service's own with the same name is something else."""
_KINDS: Final[tuple[MigrationKind, ...]] = get_args(MigrationKind)
_IRREVERSIBLE: Final = "irreversible"


def declared_migrations(
    name: str, component: Component, block: LoadedBlock, files: Mapping[str, SourceFile]
) -> Iterator[Migration]:
    """Yield a component's migrations in order; what they declare must have been found right."""
    found = ((NAME.fullmatch(path), file) for path, file in _files(component, block, files)[1].items())
    ups = [(match, file) for match, file in found if match and match["direction"] == "up"]
    for match, file in sorted(ups, key=lambda up: int(up[0]["number"])):
        words = {word for _, found in declarations(_text(file)) for word in found}
        kind = next((kind for kind in _KINDS if kind in words), _KINDS[0])
        yield Migration(component=name, label=f"{match['number']}_{match['name']}", kind=kind)


def migration_problems(
    label: str, component: Component, block: LoadedBlock, files: Mapping[str, SourceFile]
) -> list[str]:
    """Return the mistakes in a component's migrations; ``label`` names the folder of its service definition."""
    start, found = _files(component, block, files)
    return [f"{label}/{start}{problem}" for problem in _folder_problems(found, _DIALECTS.get(block.folder))]


def _files(
    component: Component, block: LoadedBlock, files: Mapping[str, SourceFile]
) -> tuple[str, dict[str, SourceFile]]:
    """Return the folder of a component's migrations, and what is in it by path there."""
    given = str(component.with_.get("migrations") or "")
    if not given or block.folder not in _DIALECTS:
        return "", {}
    start = given[: given.rfind("/") + 1] if given in files else given.rstrip("/") + "/"
    return start, {path.removeprefix(start): file for path, file in files.items() if path.startswith(given)}


def _text(file: SourceFile) -> str:
    """Return a file's text, as far as it can be read."""
    return file.path.read_bytes().decode("utf-8-sig", errors="replace")


def _folder_problems(files: Mapping[str, SourceFile], dialect: Dialect | None) -> Iterator[str]:
    """Yield the mistakes in files, given by their paths in the folder."""
    seen: dict[tuple[int, str], str] = {}
    for path, file in sorted(files.items()):
        match = NAME.fullmatch(path)
        if match is None:
            if path.lower().endswith(".sql"):
                yield f"{path}: expected a name such as 001_readers.up.sql, directly in the folder"
            continue
        other = seen.setdefault((int(match["number"]), match["direction"]), path)
        if other != path:
            yield f"{path}: {other} has the same number"
        yield from _pair_problems(path, match["direction"], files)
        if dialect:
            for line, problem in _file_problems(file.path.read_bytes(), match["direction"], dialect):
                yield f"{path}:{line}: {problem}"


def _pair_problems(path: str, direction: str, files: Mapping[str, SourceFile]) -> Iterator[str]:
    """Yield what an up-migration declares and its down-migration denies, or the other way round."""
    if direction == "down":
        counterpart = path.replace(".down.", ".up.")
        if counterpart not in files:
            yield f"{path}: there is no {counterpart}"
        return
    counterpart = path.replace(".up.", ".down.")
    lines = [line for line, words in declarations(_text(files[path])) if _IRREVERSIBLE in words]
    if lines and counterpart in files:
        yield f"{path}:{lines[0]}: {_IRREVERSIBLE}, but there is {counterpart}; expected one of them only"
    if not lines and counterpart not in files:
        yield f"{path}: there is no {counterpart}, which undoes it; if nothing can: -- soop: {_IRREVERSIBLE}"


def _head_problems(head: Mapping[int, list[str]], direction: str, dialect: Dialect) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with what a head declares."""
    known = (*_KINDS, *dialect.words)
    for line, words in head.items():
        yield from ((line, unknown("declaration", word, known)) for word in words or [""] if word not in known)
    kinds = [(line, word) for line, words in head.items() for word in words if word in _KINDS]
    if direction == "down" and kinds:
        yield kinds[0][0], f"expected {kinds[0][1]} in the up file, which it is said of"
    elif len({word for _, word in kinds}) > 1:
        yield kinds[-1][0], f"expected one of {', '.join(_KINDS)} (got {' and '.join(word for _, word in kinds)})"


def _file_problems(content: bytes, direction: str, dialect: Dialect) -> Iterator[tuple[int, str]]:
    """Yield the mistakes in a file, each with its line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield content.count(b"\n", 0, error.start) + 1, "expected UTF-8 text"
        return
    head = dict(declarations(text))
    if head_problems := list(_head_problems(head, direction, dialect)):
        yield from head_problems
        return
    declares = direction == "down" or any(word in _KINDS for words in head.values() for word in words)
    yield from dialect.problems(text, head, declares)
