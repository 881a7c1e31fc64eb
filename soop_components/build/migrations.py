"""Checks the migrations of the block ``postgresql`` when they are built: a node could not roll back all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from soop_components.build.source_files import SourceFile
from soop_components.build.sql_scanner import Scanner, Statement, Unreadable
from soop_components.library import LIBRARY, LoadedBlock
from soop_components.library.postgresql.migrate import DECLARATION, NAME, NO_TRANSACTION, SUPERUSER, declarations
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


def migration_problems(
    label: str, component: Component, block: LoadedBlock, files: Mapping[str, SourceFile]
) -> list[str]:
    """Return the mistakes in a component's migrations; ``label`` names the folder of its service definition."""
    given = str(component.with_.get("migrations") or "")
    if not given or block.folder != LIBRARY / "postgresql":
        return []
    start = given[: given.rfind("/") + 1] if given in files else given.rstrip("/") + "/"
    found = {path.removeprefix(start): file for path, file in files.items() if path.startswith(given)}
    return [f"{label}/{start}{problem}" for problem in _folder_problems(found)]


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
        counterpart = path.replace(".down.", ".up.")
        if counterpart not in files:
            yield f"{path}: there is no {counterpart}"
        for line, problem in _file_problems(file.path.read_bytes()):
            yield f"{path}:{line}: {problem}"


def _file_problems(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield the mistakes in a file, each with its line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield content.count(b"\n", 0, error.start) + 1, "expected UTF-8 text"
        return
    head = dict(declarations(text))
    words = {word for found in head.values() for word in found}
    unknown_words = [(line, word) for line, found in head.items() for word in found or [""] if word not in _ALLOWED]
    if unknown_words:
        yield from ((line, unknown("declaration", word, _ALLOWED)) for line, word in unknown_words)
        return
    scanner, whole = Scanner(text), list[Statement]()
    try:
        for statement in scanner.statements():
            problem = _statement_problem(statement, words)
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
