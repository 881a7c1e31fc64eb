"""Migrations that a node would refuse, or could only half roll back, are refused by a build, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.build.service_source import read_source
from soop_components.errors import InvalidInput
from soop_components.project import Project
from tests.unit.build.migration_files import PLACE, SERVICE, problem, problems

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
