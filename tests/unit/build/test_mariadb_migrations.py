"""Migrations of a MariaDB that could stay half made are refused by a build, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.build.migration_files import problem

ALONE = "MariaDB commits what changes the schema, so that a failure here would leave half"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- Commit; everything\n# ROLLBACK;\n/* BEGIN; */ SELECT 'COMMIT; \\'; BEGIN;', \"'; COMMIT;\", `;`;",
        "CREATE TABLE t (a int);  -- alone",
        "\ufeffINSERT INTO t VALUES (1);\r\nUPDATE t SET a = 2 -- 1\r\n;",
        "SET foreign_key_checks = 0;\nALTER TABLE t ADD COLUMN b int;",
        "delimiter //\nCREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.a = 1; COMMIT; END//\n",
        "DELIMITER $$\nINSERT INTO t VALUES (1)$$\ndelimiter ;\nINSERT INTO t VALUES (2);",
        "-- soop: repeatable\nCREATE TABLE IF NOT EXISTS t (a int);\nALTER TABLE t ADD COLUMN IF NOT EXISTS b int;",
        "-- soop: contract\nALTER TABLE t DROP COLUMN a;",
        "-- soop: expand repeatable\nALTER TABLE t DROP COLUMN IF EXISTS a; ALTER TABLE t MODIFY b bigint;",
        "ALTER TABLE a.t ADD COLUMN b int NOT NULL DEFAULT 1, DROP INDEX i, RENAME KEY k TO l, DROP FOREIGN KEY f;",
        "SAVEPOINT a; ROLLBACK TO a; INSERT INTO t SELECT 5--1;",
        "CREATE INDEX a ON t (a) /*!100100 IGNORED */;",
    ],
)
def test_good_migrations(tmp_path: Path, text: str) -> None:
    assert problem(tmp_path, text, "mariadb") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INSERT INTO t VALUES (1);\nCOMMIT;", "2: must not begin or end a transaction"),
        ("/*!50000 COMMIT */;", "1: must not begin or end a transaction"),
        ("SET SESSION autocommit = 1;", "1: must not begin or end a transaction"),
        ("\nUSE mysql;", "2: must stay in the database of the component"),
        ("CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);", f"2: {ALONE}"),
        ("INSERT INTO t VALUES (1);\n\nALTER TABLE t ADD b int;", f"3: {ALONE}"),
        ("CALL p();\nCALL q();", f"2: {ALONE}"),
        ("SELECT 1;\nSELECT 2", "2: the statement that begins here does not end: expected ;"),
        ("\nSELECT 'a", "2: the string that begins here does not end"),
        ("SELECT `a", "1: the name that begins here does not end"),
        ("/* a", "1: the comment that begins here does not end"),
        ("-- soop: superuser\n", "1: no declaration superuser"),
        ("ALTER TABLE t DROP a;", "1: drops a column: expected -- soop: contract or irreversible"),
        ("ALTER TABLE t CHANGE a b int;", "1: renames a column, or changes its type: expected"),
        ("ALTER TABLE `x`.`t` MODIFY a int;", "1: changes the type of a column: expected"),
        ("ALTER TABLE t ADD COLUMN a int NOT NULL;", "1: adds a column that is necessary and has no default"),
        ("RENAME TABLE t TO u;", "1: renames a table: expected"),
        ("DROP TABLE t;", "1: drops a table: expected"),
    ],
)
def test_bad_migrations(tmp_path: Path, text: str, expected: str) -> None:
    assert problem(tmp_path, text, "mariadb").startswith(expected)
