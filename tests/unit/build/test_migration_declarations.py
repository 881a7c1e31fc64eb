"""Files of migrations are called, paired and declared as what they are, or a build refuses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.build.service_source import read_source
from soop_components.project import Project
from tests.unit.build.migration_files import DOWN, UP, problem, problems


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["1_a.up.sql"], "1_a.up.sql: expected a name such as 001_readers.up.sql"),
        (["001_a.sql"], "001_a.sql: expected a name such as"),
        (["001_a.up.SQL"], "001_a.up.SQL: expected a name such as"),
        (
            ["later/001_a.up.sql"],
            "later/001_a.up.sql: expected a name such as 001_readers.up.sql, directly in the folder",
        ),
        (["001_a.up.sql", "001_b.up.sql"], "001_b.up.sql: 001_a.up.sql has the same number"),
        (["001_a.up.sql", "0001_a.up.sql"], "001_a.up.sql: 0001_a.up.sql has the same number"),
        (["20261127120000_a.up.sql", "notes.txt", "001_a.up.sql.orig"], None),
    ],
)
def test_names(tmp_path: Path, names: list[str], expected: str | None) -> None:
    found = problems(tmp_path, dict.fromkeys(names, "-- soop: irreversible"))
    assert len(found) == (expected is not None)
    assert expected is None or found[0].startswith(expected)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({UP: ""}, "001_a.up.sql: there is no 001_a.down.sql, which undoes it; if nothing can: -- soop: irreversible"),
        ({UP: "-- soop: expand\n"}, "001_a.up.sql: there is no 001_a.down.sql"),
        ({DOWN: ""}, "001_a.down.sql: there is no 001_a.up.sql"),
        (
            {UP: "-- x\n-- soop: irreversible", DOWN: ""},
            "001_a.up.sql:2: irreversible, but there is 001_a.down.sql; expected one of them only",
        ),
        (
            {UP: "-- soop: expand\n-- soop: contract", DOWN: ""},
            "001_a.up.sql:2: expected one of expand, contract, irreversible (got expand and contract)",
        ),
        ({UP: "-- soop: contract expand", DOWN: ""}, "001_a.up.sql:1: expected one of"),
        ({UP: "-- soop: contrakt", DOWN: ""}, "001_a.up.sql:1: no declaration contrakt; did you mean contract?"),
        (
            {UP: "", DOWN: "-- soop: contract"},
            "001_a.down.sql:1: expected contract in the up file",
        ),
    ],
)
def test_what_contradicts_itself(tmp_path: Path, files: dict[str, str | bytes], expected: str) -> None:
    (found,) = problems(tmp_path, files)
    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DROP TABLE t;", "1: drops a table: expected -- soop: contract or irreversible in the head"),
        ("drop materialized view if exists v", "1: drops a materialized view"),
        ("DROP TYPE t", "1: drops a type"),
        ("ALTER TABLE t ADD a int, DROP COLUMN b;", "1: drops a column"),
        ("SELECT 1;\nALTER TABLE IF EXISTS ONLY public.t DROP b", "2: drops a column"),
        ('ALTER TABLE "a t" RENAME "a b" TO c', "1: renames something"),
        ("ALTER TABLE t RENAME TO u", "1: renames something"),
        ("ALTER TYPE t RENAME VALUE 'a' TO 'b'", "1: renames something"),
        ("ALTER TABLE t SET SCHEMA s", "1: moves something to another schema"),
        ("ALTER TABLE t ALTER a SET DATA TYPE numeric(3, 2)", "1: changes the type of a column"),
        ("ALTER TABLE t ALTER COLUMN a TYPE text USING a::text", "1: changes the type of a column"),
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", "1: makes a column necessary"),
        ("ALTER TABLE t ADD a int DEFAULT 1, ADD b int NOT NULL", "1: adds a column that is necessary and has no def"),
        ("-- soop: superuser\nDROP EXTENSION pgcrypto;", "2: drops an extension"),
    ],
)
def test_what_may_break_older_programs_is_declared(tmp_path: Path, text: str, expected: str) -> None:
    assert problem(tmp_path, text).startswith(expected)
    for kind in ("expand", "contract"):
        assert problem(tmp_path, f"-- soop: {kind}\n{text}") == ""
    assert problems(tmp_path, {UP: "", DOWN: text}) == []


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE t ADD COLUMN a text, ADD b int NOT NULL DEFAULT 1, ADD CONSTRAINT c CHECK (b IS NOT NULL);",
        "ALTER TABLE t ADD a bigserial NOT NULL, ADD b int GENERATED ALWAYS AS IDENTITY NOT NULL;",
        "ALTER TABLE t ALTER a DROP NOT NULL, ALTER b DROP DEFAULT, ALTER COLUMN c SET DEFAULT 1, DROP CONSTRAINT d;",
        "ALTER TABLE t RENAME CONSTRAINT a TO b; ALTER INDEX a RENAME TO b; DROP INDEX i; DROP TRIGGER x ON t;",
        "CREATE TABLE t (a int NOT NULL, dropped text); ALTER TABLE t OWNER TO any; ALTER TYPE t ADD VALUE 'x';",
        "SELECT 'DROP TABLE t;'; -- DROP TABLE t;\nINSERT INTO t (a) VALUES ('ALTER TABLE t DROP a');",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;",
    ],
)
def test_what_breaks_no_older_program_needs_no_declaration(tmp_path: Path, text: str) -> None:
    assert problem(tmp_path, text) == ""


def test_migrations_are_what_their_heads_declare(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "1000_d.up.sql": "-- soop: contract",
        "1000_d.down.sql": "",
        "003_c.up.sql": "-- Why.\n-- soop: irreversible superuser\nREVOKE a FROM b;",
        "002_b.up.sql": "-- soop: expand\n-- soop: no-transaction\nVACUUM;",
        "002_b.down.sql": "-- soop: no-transaction\nVACUUM;",
        "001_a.up.sql": "SELECT 1; ",
        "001_a.down.sql": "",
    }
    assert problems(tmp_path, files) == []
    found = read_source(Project(tmp_path), "any-service").migrations
    assert [(each.component, each.number, each.name, each.kind, each.has_down) for each in found] == [
        ("store", 1, "a", "expand", True),
        ("store", 2, "b", "expand", True),
        ("store", 3, "c", "irreversible", False),
        ("store", 1000, "d", "contract", True),
    ]
