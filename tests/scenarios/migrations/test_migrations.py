"""Migrations on a real PostgreSQL: each is done as a whole or not at all; else a message says what to do."""

from __future__ import annotations

import shlex
from typing import NamedTuple

import pytest

from soop_components.library.postgresql.migrate.history import UNFINISHED
from tests.scenarios.migrations.ledger import DOMAIN, NODE, SERVICE, Ledger


def test_what_postgresql_accepts_is_done_as_a_whole_and_recorded(ledger: Ledger) -> None:
    names = ledger.sql("SELECT string_agg(name, ' ' ORDER BY number) FROM public.schema_migrations")
    assert names == "entries dump own_schema foreign index"
    assert ledger.sql("SELECT total(), count(changed) FROM entries") == "3 2"
    assert ledger.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_a'::regclass") == "t"
    assert ledger.sql("SELECT extowner::regrole FROM pg_extension WHERE extname = 'postgres_fdw'") == "postgres"
    assert ledger.sql("SELECT relowner::regrole FROM pg_class WHERE relname = 'entries'") == "ledger"


def test_a_build_refuses_what_would_commit_and_names_the_line(ledger: Ledger) -> None:
    bad = ledger.folder / "migrations/20261127120001_bad.up.sql"
    bad.write_text("-- One more.\nINSERT INTO entries VALUES (3); COMMIT;\n")
    try:
        output = ledger.project.fails("soop", "build", "service_defs/ledger-service")
    finally:
        bad.unlink()
    assert f"{bad.relative_to(ledger.project.root)}:2: must not begin or end a transaction" in output


def test_a_later_version_runs_only_what_is_new_although_there_is_a_schema_called_like_the_owner(ledger: Ledger) -> None:
    ledger.write({"20261127120002_more.up.sql": "INSERT INTO entries VALUES (4);"})
    (ledger.folder / "service.yaml").write_text(SERVICE.replace("1.0.0", "1.1.0"))
    ledger.project.must("soop", "build", "service_defs/ledger-service")
    ledger.project.must("soop", "deploy", "--yes", "ledger-service-1.1.0", DOMAIN)
    assert ledger.sql("SELECT count(*), sum(a) FROM entries") == "3 7"


def test_a_downgrade_undoes_a_contract_only_when_somebody_says_so(ledger: Ledger) -> None:
    project, stack = ledger.project, ledger.project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    columns = "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'entries'::regclass"
    columns += " AND attnum > 0 AND NOT attisdropped"
    forth = {"20261127120003_note.up.sql": "ALTER TABLE entries ADD COLUMN note text;"}
    ledger.write(forth, down="ALTER TABLE entries DROP COLUMN note;")
    forth = {"20261127120004_amount.up.sql": "-- soop: contract\nALTER TABLE entries RENAME COLUMN a TO amount;"}
    ledger.write(forth, down="ALTER TABLE entries RENAME COLUMN amount TO a;")
    (ledger.folder / "service.yaml").write_text(SERVICE.replace("1.0.0", "1.2.0"))
    project.must("soop", "build", "service_defs/ledger-service")
    said = project.must("soop", "deploy", "--preview", "ledger-service-1.2.0", DOMAIN)
    assert "20261127120004_amount (database) is contract: ledger-service-1.1.0 does not run on its result" in said
    project.must("soop", "deploy", "--yes", "ledger-service-1.2.0", DOMAIN)
    ledger.sql("UPDATE entries SET note = 'new'")
    newer = stack.read_text()
    stack.write_text(newer.replace("ledger-service-1.2.0", "ledger-service-1.1.0"))
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        said = project.fails("pulumi", *command, "--non-interactive", "--stack", DOMAIN)
        assert "does not run on the schema that is there" in said
        assert "`lose_data: {from: 1.2.0, to: 1.1.0, by: migrations}`" in said
    stack.write_text(newer)
    assert project.changes(DOMAIN) == {}
    word = ("--lose-data", "migrations", "ledger-service-1.1.0", DOMAIN)
    said = project.must("soop", "deploy", "--preview", *word)
    assert f"{NODE}: would be lost: 20261127120003_note: entries.note: 3 rows" in said
    project.must("soop", "deploy", "--yes", *word)
    assert ledger.sql(columns) == "a changed"
    assert ledger.sql("SELECT count(*), sum(a) FROM entries") == "3 7"
    assert project.changes(DOMAIN) == {}
    project.must("soop", "deploy", "--yes", "ledger-service-1.2.0", DOMAIN)
    assert ledger.sql(columns) == "amount changed note"
    assert ledger.sql("SELECT count(*), count(note) FROM entries") == "3 0"


class Trial(NamedTuple):
    """How migrations ended in a fresh database with a table t."""

    text: str
    exit_code: int
    rows: str
    recorded: str


MIGRATE = "runuser -u postgres -- /tmp/migrate 5432 trial ledger /tmp/trial"


def attempt(
    ledger: Ledger, *files: str, before: str = "", runs: int = 1, downs: tuple[str, ...] = (), after: str = "true"
) -> Trial:
    """Run migrations that no build has seen, and then perhaps something else, while their files are gone."""
    write = [
        f"printf %s {shlex.quote(text)} > /tmp/trial/{number:03}_x.{direction}.sql"
        for direction, texts in (("up", files), ("down", downs))
        for number, text in enumerate(texts, 1)
    ]
    psql = "runuser -u postgres -- psql -qAtX"
    lines = [
        "cd /; exec 2>&1; rm -rf /tmp/trial; mkdir /tmp/trial",
        *write,
        f"{psql} -c 'DROP DATABASE IF EXISTS trial' -c 'CREATE DATABASE trial OWNER ledger TEMPLATE template0'",
        f"{psql} -d trial -c 'CREATE TABLE t (a int)' -c 'ALTER TABLE t OWNER TO ledger'",
        f"printf %s {shlex.quote(before)} | {psql} -d trial",
        *[f"{MIGRATE}; code=$?"] * runs,
        f"rm /tmp/trial/*; [ $code != 0 ] || {{ {after}; code=$?; }}",
        "echo; echo $code",
        f"{psql} -d trial -c \"SELECT coalesce(string_agg(a::text, ' ' ORDER BY a), '') FROM t\"",
        f"{psql} -d trial -c \"SELECT coalesce(string_agg(left(checksum, 10), ' '), '') FROM schema_migrations\"",
    ]
    *text, code, rows, recorded = ledger.project.sh(NODE, "\n".join(lines)).removesuffix("\n").split("\n")
    return Trial("\n".join(text), int(code), rows, recorded)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("INSERT INTO t VALUES (1); COMMIT;", "1"),
        ("INSERT INTO t VALUES (1); COMMIT; BEGIN; INSERT INTO t VALUES (2);", "1"),
        ("INSERT INTO t VALUES (1); COMMIT AND CHAIN; INSERT INTO t VALUES (2);", "1"),
        ("INSERT INTO t VALUES (1); COMMIT; SELECT 1/0;", "1"),
        ("INSERT INTO t VALUES (1); ROLLBACK; INSERT INTO t VALUES (2);", "2"),
        ("INSERT INTO t VALUES (1); ROLLBACK; BEGIN; INSERT INTO t VALUES (2);", ""),
        ("INSERT INTO t VALUES (1); COMMIT; DO $$ BEGIN INSERT INTO t VALUES (2); COMMIT; END $$;", "1 2"),
    ],
)
def test_the_database_finds_out_that_a_transaction_was_ended_and_nothing_runs_twice(
    ledger: Ledger, text: str, rows: str
) -> None:
    found = attempt(ledger, text, runs=2)
    assert (found.exit_code, found.rows, found.recorded) == (1, rows, UNFINISHED)
    assert found.text.count("What it committed stays and cannot be rolled back") == 2
    assert "remove number 1 from the table public.schema_migrations" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES (1); SELECT 1/0;",
        "INSERT INTO t VALUES (1); DO $$ BEGIN COMMIT; END $$;",
        "INSERT INTO t VALUES (1); DO $$ BEGIN EXECUTE 'COMMIT'; END $$;",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN INSERT INTO t VALUES (1); COMMIT; END'; CALL p();",
        "INSERT INTO t VALUES (1); PREPARE TRANSACTION 'x';",
        "INSERT INTO t VALUES (1); DROP SCHEMA public CASCADE;",
        "INSERT INTO t VALUES (1); CREATE INDEX CONCURRENTLY i ON t (a);",
        "ALTER TABLE t ADD UNIQUE (a) DEFERRABLE INITIALLY DEFERRED; INSERT INTO t VALUES (1), (1);",
        "COPY t FROM stdin;\n1\nx\n\\.\n",
    ],
)
def test_what_fails_leaves_nothing(ledger: Ledger, text: str) -> None:
    found = attempt(ledger, text)
    assert (found.exit_code, found.rows, found.recorded) == (3, "", "")
    assert "cannot be rolled back" not in found.text


def test_a_change_is_made_once_when_two_make_it_at_once(ledger: Ledger) -> None:
    change = "SELECT pg_sleep(1); INSERT INTO t VALUES (1);"
    both = f"printf ';' > /tmp/trial/001_x.up.sql; echo '{change}' > /tmp/trial/002_x.up.sql"
    found = attempt(ledger, ";", after=f"{both}; {MIGRATE} & {MIGRATE} && wait $!")
    assert (found.exit_code, found.rows, len(found.recorded.split())) == (0, "1", 2)


BACK = (
    "DELETE FROM t WHERE a = 1;",
    "-- soop: no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS i;",
    "DELETE FROM t\n-- caf\u00e9 'x' \\'\nWHERE a = 3;",
)
FORTH = ("INSERT INTO t VALUES (1);", "CREATE INDEX i ON t (a);", "INSERT INTO t VALUES (3);")


def test_the_database_remembers_how_to_undo_what_was_done(ledger: Ledger) -> None:
    found = attempt(ledger, *FORTH, downs=BACK, after=f"{MIGRATE} --down-to 1 && {MIGRATE} --down-to 1")
    assert (found.exit_code, found.rows, len(found.recorded.split())) == (0, "1", 1)
    assert found.text.split("\n")[-3:-1] == ["undoing migration 003_x", "undoing migration 002_x"]
    assert ledger.sql("SELECT to_regclass('i') IS NULL", "trial") == "t"


def test_what_cannot_be_undone_as_a_whole_is_not_begun(ledger: Ledger) -> None:
    found = attempt(ledger, *FORTH, downs=BACK[:1], after=f"{MIGRATE} --down-to 0")
    assert (found.exit_code, found.rows, len(found.recorded.split())) == (1, "1 3", 3)
    assert "003_x cannot be undone: the database knows no down-migration of it" in found.text


def test_one_that_fails_leaves_what_is_older(ledger: Ledger) -> None:
    found = attempt(ledger, *FORTH, downs=(BACK[0], "SELECT 1 / 0;", BACK[2]), after=f"{MIGRATE} --down-to 0")
    assert (found.exit_code, found.rows, len(found.recorded.split())) == (3, "1", 2)


def test_a_contract_keeps_older_versions_out_until_a_downgrade_lets_them_in(ledger: Ledger) -> None:
    found = attempt(ledger, "-- soop: contract", after=f"! {MIGRATE} && {MIGRATE} --allow-older 0 && {MIGRATE}")
    assert (found.exit_code, len(found.recorded.split())) == (0, 1)
    assert found.text.count("001_x of a later version is contract, and this version does not run on its result") == 1


def test_what_ran_before_the_database_remembered_is_remembered_when_it_is_there_again(ledger: Ledger) -> None:
    forget = "runuser -u postgres -- psql -qd trial -c 'ALTER TABLE schema_migrations DROP COLUMN down'"
    up, down = "/tmp/trial/001_x.up.sql", "/tmp/trial/001_x.down.sql"
    again = f"printf %s {shlex.quote(FORTH[0])} > {up}; echo 'DELETE FROM t' > {down}"
    found = attempt(ledger, FORTH[0], after=f"{forget}; {again}; {MIGRATE} && {MIGRATE} --down-to 0")
    assert (found.exit_code, found.rows, found.recorded) == (0, "", "")


INDEX = "-- soop: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS by_a ON t (a);"
IS_VALID = "SELECT count(*), count(*) FILTER (WHERE indisvalid) FROM pg_index WHERE indrelid = 't'::regclass"


def test_an_index_that_could_not_be_made_is_named_and_dropped(ledger: Ledger) -> None:
    found = attempt(ledger, "INSERT INTO t VALUES (1), (1);", INDEX)
    assert found.exit_code == 3
    assert "drops the index by_a, which a failed run left invalid" in found.text
    assert ledger.sql(IS_VALID, "trial") == "0 0"


def test_an_index_that_a_killed_run_left_invalid_is_made_anew(ledger: Ledger) -> None:
    left = "INSERT INTO t VALUES (1), (1); CREATE UNIQUE INDEX CONCURRENTLY by_a ON t (a); TRUNCATE t;"
    found = attempt(ledger, INDEX, before=left)
    assert "drops the index by_a, which a failed run left invalid" in found.text
    assert (found.exit_code, found.rows) == (0, "")
    assert ledger.sql(IS_VALID, "trial") == "1 1"


def test_the_copy_of_an_index_that_reindex_leaves_is_dropped(ledger: Ledger) -> None:
    function = "CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN {}; END';"
    made = f"{function.format('$1')} CREATE INDEX by_f ON t (f(a)); INSERT INTO t VALUES (1);"
    found = attempt(
        ledger, "-- soop: no-transaction\nREINDEX TABLE CONCURRENTLY t;", before=f"{made} {function.format('$1 / 0')}"
    )
    assert found.exit_code == 3
    assert "drops the index by_f_ccnew, which a failed run left invalid" in found.text
    assert ledger.sql(IS_VALID, "trial") == "1 1"


def test_what_commits_in_parts_is_not_recorded_after_half_of_it_failed(ledger: Ledger) -> None:
    text = "-- soop: no-transaction\nDO $$ BEGIN DELETE FROM t WHERE a = 1; COMMIT; PERFORM 1 / 0; END $$;"
    found = attempt(ledger, text, before="INSERT INTO t VALUES (1), (2);")
    assert (found.exit_code, found.rows, found.recorded) == (3, "2", "")
    assert "division by zero" in found.text
