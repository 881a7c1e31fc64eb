"""What the migrations of a MariaDB must not do, so that each is made as a whole or can run again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from soop_components.build.breaking_sql import EXPECTED_KIND
from soop_components.build.mysql_scanner import Statement, statements
from soop_components.build.sql_scanner import Unreadable

REPEATABLE = "repeatable"
WORDS = (REPEATABLE,)
"""What the head of a file can declare, beside what it does to older programs."""

_TRANSACTION = re.compile(
    r"(?:begin|start transaction|commit|rollback(?! (?:work )?to)|xa|lock tables?|unlock tables?|set .*\bautocommit\b) "
)
_USE = re.compile(r"use ")
_IN_TRANSACTION = re.compile(r"(?:insert|update|delete|replace|select|with|set|do|savepoint|release|rollback) ")
_DROP = re.compile(r"drop (?:temporary )?(table|view|database|schema|function|procedure|sequence) ")
_ALTER = re.compile(r"alter (?:online |ignore )*table ")
_ACTIONS = (
    (re.compile(r"\brename (?!index |key )"), "renames something"),
    (re.compile(r"^change "), "renames a column, or changes its type"),
    (re.compile(r"^modify "), "changes the type of a column"),
    (re.compile(r"^drop (?!constraint |index |key |primary |foreign |check |partition )"), "drops a column"),
    (
        re.compile(
            r"^add (?:column )?(?!constraint |primary |unique |index |key |.* (?:default|generated|as) ).* not null "
        ),
        "adds a column that is necessary and has no default",
    ),
)


def problems(text: str, head: Mapping[int, list[str]], declares: bool) -> Iterator[tuple[int, str]]:
    """Yield the mistakes in a file, each with its line; ``declares`` if it tells what it does to older programs."""
    found: list[Statement] = []
    try:
        for statement in statements(text):
            problem = _statement_problem(statement.text) or (None if declares else _undeclared(statement.text))
            if problem:
                yield statement.line, problem
            else:
                found.append(statement)
    except Unreadable as error:
        yield error.line, error.problem
        return
    if any(REPEATABLE in words for words in head.values()):
        return
    changes = [one for one in found if not one.text.startswith(("set ", "select "))]
    schema = [one for one in changes if not _IN_TRANSACTION.match(one.text)]
    if schema and len(changes) > 1:
        yield (
            changes[1].line,
            (
                "MariaDB commits what changes the schema, so that a failure here would leave half: expected such a "
                f"statement alone in its file, or -- soop: {REPEATABLE} if all of it can run again (IF NOT EXISTS)"
            ),
        )


def _statement_problem(statement: str) -> str | None:
    if _TRANSACTION.match(statement):
        return "must not begin or end a transaction; each migration runs in one, until it changes the schema"
    if _USE.match(statement):
        return "must stay in the database of the component, which each migration runs in"
    return None


def _undeclared(statement: str) -> str | None:
    """Say that a file has to declare what it does to older programs, if a statement may break them."""
    what = _breaks(statement)
    return what and f"{what}: {EXPECTED_KIND}"


def _breaks(statement: str) -> str | None:
    """Say what a statement may take from older programs; None if nothing is seen."""
    if dropped := _DROP.match(statement):
        return f"drops a {dropped[1]}"
    if statement.startswith(("rename table ", "truncate ")):
        return "renames a table" if statement.startswith("rename") else "empties a table"
    if _ALTER.match(statement):
        # A name, perhaps with that of its database, stands before the first action.
        _, _, actions = statement.partition(" table ")
        actions = re.sub(r"^(?:if exists )?\S+ (?:\. \S+ )?", "", actions)
        for action in actions.split(" , "):
            for pattern, what in _ACTIONS:
                if pattern.search(f"{action.strip()} "):
                    return what
    return None
