"""What the program that runs migrations decides; the scenario of migrations shows it at work."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from soop_components.library.postgresql.migrate import database, files, history, losses, records, running


def folder_of(tmp_path: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode())
    return tmp_path


def test_migrations_run_in_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["1000_d.up.sql", "20261127120000_e.up.sql", "002_b.up.sql", "001_a.up.sql", "001_a.down.sql", "notes.txt"]
    found = files.migrations(folder_of(tmp_path, dict.fromkeys(names, "")))
    assert [migration.name for migration in found] == ["a", "b", "d", "e"]
    applied = {1: history.Applied("a", found[0].checksum)}
    assert [migration.number for migration in history.pending(found, applied)] == [2, 1000, 20261127120000]


def test_a_database_may_be_ahead(tmp_path: Path) -> None:
    found = files.migrations(folder_of(tmp_path, {"001_a.up.sql": ""}))
    applied = {1: history.Applied("a", found[0].checksum), 2: history.Applied("b", "of a later version")}
    assert history.pending(found, applied) == []


@pytest.mark.parametrize(
    ("name", "checksum", "message"),
    [
        ("005_e.up.sql", "another", "is not what was applied as 005_e; add a new migration"),
        ("004_d.up.sql", "another", "005_e was applied already; give it a later number"),
        ("005_e.up.sql", history.UNFINISHED, "remove number 5 from the table public.schema_migrations"),
    ],
)
def test_migrations_that_cannot_be_right_are_refused(tmp_path: Path, name: str, checksum: str, message: str) -> None:
    found = files.migrations(folder_of(tmp_path, {name: ""}))
    with pytest.raises(SystemExit, match=message):
        history.pending(found, {5: history.Applied("e", checksum)})


def test_a_migration_does_not_wait_for_a_lock_without_end(tmp_path: Path) -> None:
    [found] = files.migrations(folder_of(tmp_path, {"001_a.up.sql": ""}))
    begin, _, _, timeout, lock, *_ = lines = running.transaction(records.Change.up(found)).splitlines()
    assert (begin, timeout) == ("BEGIN;", "SET LOCAL lock_timeout = '30s';")  # the migration itself may choose another
    assert lock.startswith("LOCK TABLE public.schema_migrations ")
    assert lines.index(lock) < lines.index(f"\\i '{found.path}'")


def test_the_table_of_migrations_is_locked_only_where_it_lacks_something(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(_: database.Database, sql: str) -> list[list[str]]:
        asked.append(sql)
        return []

    monkeypatch.setattr(database.Database, "run", run)
    columns = {"number", "name", "checksum", "applied_at", "down", "irreversible", "contract"}
    records.prepare(database.Database("5432", "a", "a"), columns)
    assert asked == []
    for there in (set[str](), columns - {"down"}):
        records.prepare(database.Database("5432", "a", "a"), there)
        assert asked.pop().startswith("SET lock_timeout = '30s';\n")


def test_what_undoes_a_migration_is_remembered_with_it(tmp_path: Path) -> None:
    texts = {
        "001_a.up.sql": "",
        "001_a.down.sql": "-- \u00e4\nDROP TABLE a;",
        "002_b.up.sql": "-- soop: irreversible\n",
    }
    first, second = files.migrations(folder_of(tmp_path, texts))
    assert first.down == texts["001_a.down.sql"].encode()
    assert base64.b64encode(first.down).decode() in records.Change.up(first).record
    assert (second.down, records.down_literal(second)) == (None, "NULL")


def test_an_older_version_does_not_start_on_what_nothing_undoes(tmp_path: Path) -> None:
    older = files.migrations(folder_of(tmp_path, {"001_a.up.sql": ""}))
    applied = {1: history.Applied("a", older[0].checksum), 2: history.Applied("b", "x", False, is_irreversible=True)}
    with pytest.raises(SystemExit, match="002_b of a later version is irreversible, and this version does not run"):
        history.pending(older, applied)
    newer = files.migrations(folder_of(tmp_path, {"002_b.up.sql": "-- soop: irreversible\n"}))
    assert ", true, false)" in records.Change.up(newer[1]).record
    assert history.pending(newer, {**applied, 2: applied[2]._replace(checksum=newer[1].checksum)}) == []


def test_nor_on_a_contract_unless_a_downgrade_is_about_to_undo_it(tmp_path: Path) -> None:
    older = files.migrations(folder_of(tmp_path, {"001_a.up.sql": ""}))
    contract = history.Applied("b", "x", has_down=True, is_contract=True)
    with pytest.raises(SystemExit, match="002_b of a later version is contract, and this version does not run on its"):
        history.pending(older, {1: history.Applied("a", older[0].checksum), 2: contract})
    newer = files.migrations(folder_of(tmp_path, {"002_b.up.sql": "-- soop: contract\n", "002_b.down.sql": ""}))
    assert records.Change.up(newer[1]).record.count("false, true)") == 1
    allowed = contract._replace(is_contract=False)  # --allow-older
    assert history.pending(older, {1: history.Applied("a", older[0].checksum), 2: allowed}) == []


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ("DROP TABLE grants;", [("grants", None)]),
        ("-- DROP TABLE a;\nDROP INDEX i; drop table if exists public.b", [("public.b", None)]),
        ("ALTER TABLE grants DROP COLUMN expires_at;", [("grants", "expires_at")]),
        ('alter table only "a b" drop x, DROP COLUMN IF EXISTS y', [('"a b"', "x"), ('"a b"', "y")]),
        ("ALTER TABLE t DROP CONSTRAINT c, ALTER a DROP NOT NULL, ALTER b DROP DEFAULT, RENAME x TO y;", []),
    ],
)
def test_what_a_down_migration_drops_is_read_out_of_it(down: str, expected: list[tuple[str, str | None]]) -> None:
    assert list(losses.losses(down)) == expected


def test_undoing_takes_the_record_away(tmp_path: Path) -> None:
    down = files.Migration(3, "c", tmp_path / "003_c.down.sql", b"DROP TABLE c;")
    change = records.Change.down(down)
    assert change.record == "DELETE FROM public.schema_migrations WHERE number = 3;\n"
    assert change.is_recorded == "NOT EXISTS (SELECT FROM public.schema_migrations WHERE number = 3)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- soop: superuser", {1: ["superuser"]}),
        (
            "\ufeff-- Readers.\r\n\r\n--soop : one  two \r\n-- Soop: three\r\nSELECT 1;\n-- soop: four",
            {3: ["one", "two"], 4: ["three"]},
        ),
        ("/* */\n-- soop: superuser", {}),
        ("SELECT 1; -- soop: superuser", {}),
        ("-- as soop: superuser", {}),
    ],
)
def test_declarations_are_comments_at_the_head(tmp_path: Path, text: str, expected: dict[int, list[str]]) -> None:
    [found] = files.migrations(folder_of(tmp_path, {"001_a.up.sql": text}))
    assert dict(files.declarations(found.text)) == expected
    assert found.declares("superuser") == (["superuser"] in expected.values())


@pytest.mark.parametrize(
    ("name", "expected"), [("by_a", True), ("BY_A", True), ("by", False), ("y_a", False), ("t.x", False)]
)
def test_names_are_found_as_words(tmp_path: Path, name: str, expected: bool) -> None:
    text = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS "by_a" ON t_x (a);'
    [found] = files.migrations(folder_of(tmp_path, {"001_a.up.sql": text}))
    assert found.mentions(name) == expected
