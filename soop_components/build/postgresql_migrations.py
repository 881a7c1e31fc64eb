"""What the migrations of a PostgreSQL must not do, so that each is made as a whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set

from soop_components.build.breaking_sql import EXPECTED_KIND, breaks
from soop_components.build.sql_scanner import Scanner, Statement, Unreadable
from soop_components.library.postgresql.migrate.files import DECLARATION, NO_TRANSACTION, SUPERUSER

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

WORDS = tuple(_ALLOWED)
"""What the head of a file can declare, beside what it does to older programs."""


def problems(text: str, head: Mapping[int, list[str]], declares: bool) -> Iterator[tuple[int, str]]:
    """Yield the mistakes in a file, each with its line; ``declares`` if it tells what it does to older programs."""
    words = {word for found in head.values() for word in found}
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
    return what and f"{what}: {EXPECTED_KIND}"


def _statement_problem(statement: Statement, words: Set[str]) -> str | None:
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
