"""Migrations that a node would refuse, or could only half roll back, are refused by a build, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.build.service_source import read_source
from soop_components.errors import InvalidInput
from soop_components.project import Project

SERVICE = """\
format: 1
service: any-service
version: 1.0.0
components: {store: {uses: postgresql, with: {database: any, password: x, migrations: sql/}}}
nodes: {database: {components: [store]}}
"""
PLACE = "service_defs/any-service/sql/"


def problems(root: Path, files: dict[str, str | bytes]) -> list[str]:
    """Return what is wrong with migrations, without the folder that they are in."""
    folder = root / "service_defs/any-service"
    for name, content in files.items():
        path = folder / "sql" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "service.yaml").write_text(SERVICE)
    try:
        read_source(Project(root), "any-service")
    except InvalidInput as error:
        found = [problem.partition(PLACE) for problem in error.problems]
    else:
        return []
    assert {before for before, _, _ in found} == {""}
    return [problem for _, _, problem in found]


def problem(root: Path, text: str | bytes) -> str:
    """Return the one mistake in an up-migration that has its down-migration, or nothing."""
    found = problems(root, {"001_a.up.sql": text, "001_a.down.sql": ""})
    assert len(found) <= 1, found
    return found[0].removeprefix("001_a.up.sql:") if found else ""


TRIGGER = """\
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.x := now(); RETURN NEW; END;
$$;
"""
DUMP = """\
SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET row_security = off;
CREATE TABLE public.t (a text);
COPY public.t (a) FROM stdin;
COMMIT;
it's
\\.
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- Commit; everything\n/* ROLLBACK; */ SELECT 'BEGIN; COMMIT;';",
        TRIGGER,
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END;';",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
        DUMP,
        "\ufeffSELECT 1;\r\nSELECT 2;\r\n",
        "SAVEPOINT a; ROLLBACK TO a; ROLLBACK WORK TO SAVEPOINT a; ROLLBACK TRANSACTION TO a;",
        "SET LOCAL lock_timeout = '5s'; SET CONSTRAINTS ALL DEFERRED; SET search_path TO names, role;",
        "PREPARE p AS SELECT 1; START_TRANSACTION;",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v; ALTER TYPE t ADD VALUE 'x'; CREATE EXTENSION pgcrypto;",
        "-- Readers.\n\n-- soop: superuser\nCREATE EXTENSION IF NOT EXISTS postgres_fdw;\n"
        "COMMENT ON EXTENSION postgres_fdw IS 'x'; GRANT USAGE ON FOREIGN SERVER s TO any; REVOKE a FROM b;",
        "-- soop: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);",
        "-- soop: no-transaction\r\n-- It waits.\r\nDROP INDEX CONCURRENTLY IF EXISTS i\r\n",
        "--soop:no-transaction\nALTER TYPE public.t ADD VALUE IF NOT EXISTS 'x' BEFORE 'y';",
        "-- soop: no-transaction\nVACUUM (ANALYZE) t;",
        "-- soop: no-transaction\nREINDEX TABLE CONCURRENTLY t;",
        "-- soop: no-transaction\nREINDEX (VERBOSE) SCHEMA public;",
        "REINDEX (VERBOSE) TABLE t; REINDEX INDEX i; ALTER TABLE t DETACH PARTITION p; CREATE INDEX reindex ON t (a);",
        "ALTER TABLE t DETACH PARTITION p FINALIZE;",
        "-- soop: no-transaction\nDO $$ BEGIN LOOP UPDATE t SET a = 1 WHERE a = 0; COMMIT; EXIT; END LOOP; END $$;",
        "SELECT $$\n-- soop: nothing\n$$;",
    ],
)
def test_good_migrations(tmp_path: Path, text: str) -> None:
    assert problem(tmp_path, text) == ""


TRANSACTION = "must not begin or end a transaction"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INSERT INTO t VALUES (1); COMMIT;", f"1: {TRANSACTION}"),
        ("SELECT 1;\n\n  begin\n;", f"3: {TRANSACTION}"),
        ("SELECT 1; END", f"1: {TRANSACTION}"),
        ("START\nTRANSACTION ISOLATION LEVEL SERIALIZABLE;", f"1: {TRANSACTION}"),
        ("/* x */ ROLLBACK;", f"1: {TRANSACTION}"),
        ("ROLLBACK AND CHAIN;", f"1: {TRANSACTION}"),
        ("COMMIT PREPARED 'x';", f"1: {TRANSACTION}"),
        ("PREPARE TRANSACTION 'x';", f"1: {TRANSACTION}"),
        ("ABORT;", f"1: {TRANSACTION}"),
        (TRIGGER + "COMMIT;", f"4: {TRANSACTION}"),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 case; END; COMMIT;", f"1: {TRANSACTION}"),
        ("SET ROLE postgres;", "1: must not change the role"),
        ('SET SESSION "role" TO postgres;', "1: must not change the role"),
        ("RESET SESSION AUTHORIZATION;", "1: must not change the role"),
        ("SET LOCAL SESSION AUTHORIZATION postgres;", "1: must not change the role"),
        ("SET standard_conforming_strings = off;", "1: must not change the encoding or standard_conforming_strings"),
        ("SET NAMES 'sjis';", "1: must not change the encoding"),
        ("SET client_encoding TO 'big5';", "1: must not change the encoding"),
        (
            "CREATE INDEX CONCURRENTLY i ON t (a);",
            "1: cannot run in a transaction; expected in a file that begins with",
        ),
        ("DROP INDEX CONCURRENTLY i;", "1: cannot run in a transaction"),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY;", "1: cannot run in a transaction, and not again after half"),
        (
            "-- soop: no-transaction\nALTER TABLE t DETACH PARTITION p CONCURRENTLY;",
            "2: cannot run in a transaction, and",
        ),
        ("REINDEX TABLE CONCURRENTLY t;", "1: cannot run in a transaction; expected in a file that begins with"),
        ("REINDEX (CONCURRENTLY) INDEX i;", "1: cannot run in a transaction"),
        ("REINDEX (VERBOSE, CONCURRENTLY TRUE) TABLE t;", "1: cannot run in a transaction"),
        ("REINDEX DATABASE any;", "1: cannot run in a transaction"),
        ("REINDEX (VERBOSE) SCHEMA public;", "1: cannot run in a transaction"),
        ("VACUUM;", "1: cannot run in a transaction"),
        ("\\c other", "1: expected SQL; psql's commands"),
        ("SELECT 'x", "1: the string that begins here does not end"),
        (b"SELECT 1;\n-- caf\xe9", "2: expected UTF-8 text"),
        ("-- soop: no-transactions\nSELECT 1;", "1: no declaration no-transactions; did you mean no-transaction?"),
        ("-- soop:\nSELECT 1;", '1: no declaration ""; there is'),
        ("-- soop: superuser\rDROP", "1: no declaration DROP"),
        ("SELECT 1; -- soop: no-transaction", "1: expected in a line of its own before the first statement"),
        (
            "/* Readers */\n-- Soop : superuser\nSELECT 1;",
            "2: expected in a line of its own before the first statement",
        ),
        ("-- soop: superuser\nCREATE TABLE t ();", "2: expected CREATE, ALTER, DROP or COMMENT ON EXTENSION, GRANT or"),
        ("-- soop: no-transaction\nINSERT INTO t VALUES (1);", "2: expected CREATE INDEX CONCURRENTLY IF NOT EXISTS,"),
        (
            "-- soop: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a);",
            "2: expected CREATE INDEX CONCURRENTLY IF NOT",
        ),
        (
            "-- soop: no-transaction\nVACUUM a;\nVACUUM b;",
            "3: expected exactly one statement after -- soop: no-transaction",
        ),
        ("-- soop: no-transaction\n", "1: expected exactly one statement after -- soop: no-transaction (got 0)"),
    ],
)
def test_bad_migrations(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert problem(tmp_path, text).startswith(expected)


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    files = {"001_a.up.sql": "COMMIT;\nBEGIN;", "001_a.down.sql": "ABORT;", "002_b.up.sql": "\\q", "002_b.down.sql": ""}
    found = problems(tmp_path, files)
    assert [line.split(": ")[0] for line in found] == [
        "001_a.down.sql:1",
        "001_a.up.sql:1",
        "001_a.up.sql:2",
        "002_b.up.sql:1",
    ]


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


UP, DOWN = "001_a.up.sql", "001_a.down.sql"


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


def test_a_single_file_is_checked_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "service_defs/any-service"
    for name in ("001_a.up.sql", "002_b.up.sql"):
        (folder / "sql").mkdir(parents=True, exist_ok=True)
        (folder / "sql" / name).write_text("-- soop: irreversible\nCOMMIT;")
    (folder / "service.yaml").write_text(SERVICE.replace("sql/", "sql/001_a.up.sql"))
    with pytest.raises(InvalidInput) as raised:
        read_source(Project(tmp_path), "any-service")
    assert [problem.split(": ")[0] for problem in raised.value.problems] == [f"{PLACE}001_a.up.sql:2"]


def test_sql_of_other_blocks_is_their_own_business(tmp_path: Path) -> None:
    service = SERVICE.replace("uses: postgresql, with: {database: any, password: x, migrations: sql/}", "uses: own")
    block = "format: 1\nblock: own\nsummary: x\nparameters: {migrations: {type: path, default: sql/}}\n"
    folder = tmp_path / "service_defs/any-service"
    for path, text in {"service.yaml": service, "blocks/own/block.yaml": block, "sql/x.sql": "COMMIT;"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    assert list(read_source(Project(tmp_path), "any-service").components["store"]) == ["sql/x.sql"]
