"""Checks the migrations of the block ``postgresql`` when they are built: a node could not roll back all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, get_args

from soop_components.build.breaking_sql import breaks
from soop_components.build.source_files import SourceFile
from soop_components.build.sql_scanner import Scanner, Statement, Unreadable
from soop_components.library import LIBRARY, LoadedBlock
from soop_components.library.postgresql.migrate.files import (
    DECLARATION,
    NAME,
    NO_TRANSACTION,
    SUPERUSER,
    declarations,
)
from soop_components.model.data import Migration, MigrationKind
from soop_components.model.problem import unknown
from soop_components.model.service import Component

_TRANSACTION = re.compile(
    r"(?:begin|start transaction|commit|end|abort|prepare transaction|rollback(?! (?:work |transaction )?to)) "
)
_SETTING = re.compile(
    r'(?:re)?set (?:(?:session|local) )*"?(?:(?P<role>role|authorization)|names|client_encoding'
    r'|standard_conforming_strings)"? '
    r"(?!(?:= |to )?'?(?:utf-?8|on)'? )"
)
_NOT_IN_TRANSACTION = re.compile(
    r"(?:create|drop|reindex|alter) (?:.* )?concurrently |reindex (?:\( .*\) )?(?:database|schema|system) |vacuum "
)
_NOT_AGAIN = re.compile(r"alter table .* detach partition .* concurrently ")
_ALLOWED = {
    SUPERUSER: (
        re.compile(r"(?:create|alter|drop|comment on) extension |grant |revoke "),
        "CREATE, ALTER, DROP or COMMENT ON EXTENSION, GRANT or REVOKE",
    ),
    NO_TRANSACTION: (
        re.compile(
            r"create (?:unique )?index concurrently if not exists |drop index concurrently if exists "
            r"|alter type .*add value if not exists |(?:reindex|vacuum|do|call) "
        ),
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS, DROP INDEX CONCURRENTLY IF EXISTS, ALTER TYPE … ADD VALUE IF NOT "
        "EXISTS, REINDEX, VACUUM, DO or CALL, which can run again after half of it failed",
    ),
}
"""By word of a head line: how the statements of such a file begin."""

_KINDS: Final[tuple[MigrationKind, ...]] = get_args(MigrationKind)
_WORDS = (*_KINDS, *_ALLOWED)
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
    return [f"{label}/{start}{problem}" for problem in _folder_problems(found)]


def _files(
    component: Component, block: LoadedBlock, files: Mapping[str, SourceFile]
) -> tuple[str, dict[str, SourceFile]]:
    """Return the folder of a component's migrations, and what is in it by path there."""
    given = str(component.with_.get("migrations") or "")
    if not given or block.folder != LIBRARY / "postgresql":
        return "", {}
    start = given[: given.rfind("/") + 1] if given in files else given.rstrip("/") + "/"
    return start, {path.removeprefix(start): file for path, file in files.items() if path.startswith(given)}


def _text(file: SourceFile) -> str:
    """Return a file's text, as far as it can be read."""
    return file.path.read_bytes().decode("utf-8-sig", errors="replace")


def _folder_problems(files: Mapping[str, SourceFile]) -> Iterator[str]:
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
        for line, problem in _file_problems(file.path.read_bytes(), match["direction"]):
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


def _head_problems(head: Mapping[int, list[str]], direction: str) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with what a head declares."""
    for line, words in head.items():
        yield from ((line, unknown("declaration", word, _WORDS)) for word in words or [""] if word not in _WORDS)
    kinds = [(line, word) for line, words in head.items() for word in words if word in _KINDS]
    if direction == "down" and kinds:
        yield kinds[0][0], f"expected {kinds[0][1]} in the up file, which it is said of"
    elif len({word for _, word in kinds}) > 1:
        yield kinds[-1][0], f"expected one of {', '.join(_KINDS)} (got {' and '.join(word for _, word in kinds)})"


def _file_problems(content: bytes, direction: str) -> Iterator[tuple[int, str]]:
    """Yield the mistakes in a file, each with its line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield content.count(b"\n", 0, error.start) + 1, "expected UTF-8 text"
        return
    head = dict(declarations(text))
    words = {word for found in head.values() for word in found}
    if head_problems := list(_head_problems(head, direction)):
        yield from head_problems
        return
    declares = direction == "down" or not words.isdisjoint(_KINDS)
    scanner, whole = Scanner(text), list[Statement]()
    try:
        for statement in scanner.statements():
            problem = _statement_problem(statement, words) or (None if declares else _undeclared(statement))
            if problem:
                yield statement.line, problem
            if not statement.is_inside:
                whole.append(statement)
    except Unreadable as error:
        yield error.line, error.problem
        return
    for line, comment in scanner.comments:
        if DECLARATION.match(comment) and line not in head:
            yield line, "expected in a line of its own before the first statement and other kinds of comments"
    if NO_TRANSACTION in words and len(whole) != 1:
        line = whole[1].line if whole else 1
        yield line, f"expected exactly one statement after -- soop: {NO_TRANSACTION} (got {len(whole)})"


def _undeclared(statement: Statement) -> str | None:
    """Say that a file has to declare what it does to older programs, if a statement may break them."""
    what = None if statement.is_inside else breaks(statement.text)
    return what and (
        f"{what}: expected -- soop: contract or irreversible in the head, since programs of the versions before may "
        "not run on the result; if they do: -- soop: expand"
    )


def _statement_problem(statement: Statement, words: set[str]) -> str | None:
    text = statement.text
    if _TRANSACTION.match(text) and not (statement.is_inside and text.startswith("end ")):
        return "must not begin or end a transaction; each migration runs in one of its own"
    if statement.is_inside:
        return None
    setting = _SETTING.match(text)
    if setting and setting["role"]:
        return f"must not change the role; migrations run as the owner, with -- soop: {SUPERUSER} as a superuser"
    if setting:
        return "must not change the encoding or standard_conforming_strings, by which the rest of the file is read"
    if _NOT_AGAIN.match(text):
        return "cannot run in a transaction, and not again after half of it failed; detach it without CONCURRENTLY"
    for word, (pattern, allowed) in _ALLOWED.items():
        if word in words and not pattern.match(text):
            return f"expected {allowed} after -- soop: {word}"
    if NO_TRANSACTION not in words and _NOT_IN_TRANSACTION.match(text):
        allowed = _ALLOWED[NO_TRANSACTION][1]
        return f"cannot run in a transaction; expected in a file that begins with -- soop: {NO_TRANSACTION}: {allowed}"
    return None
