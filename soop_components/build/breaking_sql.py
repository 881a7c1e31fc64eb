"""Which SQL may take something from programs of the versions before, so that a migration has to say whether it does."""

from __future__ import annotations

import re

_DROP = re.compile(
    r"drop (table|(?:materialized )?view|foreign table|schema|type|domain|sequence|function|procedure|extension) "
)
_ALTER = re.compile(
    r"alter (?:table|(?:materialized )?view|foreign table|schema|type|domain|sequence|function|procedure) "
)
_ACTIONS = (
    (re.compile(r"\brename (?!constraint )"), "renames something"),
    (re.compile(r"\bset schema "), "moves something to another schema"),
    (re.compile(r"\bdrop (?!constraint |not null |default |identity |expression )"), "drops a column"),
    (re.compile(r"\balter (?:column |attribute )?\S+ (?:set data )?type "), "changes the type of a column"),
    (re.compile(r"\balter (?:column )?\S+ set not null "), "makes a column necessary"),
    (
        re.compile(
            r"\badd (?:column )?(?!constraint |primary |unique |check |foreign |exclude |value )"
            r"(?!.* (?:default|generated|\w*serial) ).* not null "
        ),
        "adds a column that is necessary and has no default",
    ),
)


EXPECTED_KIND = (
    "expected -- soop: contract or irreversible in the head, since programs of the versions before may not run on the "
    "result; if they do: -- soop: expand"
)


def breaks(statement: str) -> str | None:
    """Say what a statement may take from older programs; None if nothing is seen.

    It has its words in lower case, a space after each, without what is in parentheses. What functions and ``DO`` do is
    not seen.
    """
    if dropped := _DROP.match(statement):
        return f"drops {'an' if dropped[1] == 'extension' else 'a'} {dropped[1]}"
    if altered := _ALTER.match(statement):
        for action in statement[altered.end() :].split(" , "):
            for pattern, what in _ACTIONS:
                if pattern.search(f"{action} "):
                    return what
    return None
