"""The programs of blocks, as far as they can be tried without a node."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from soop_components.library import LIBRARY
from soop_components.runner.marks import put_secrets
from tests.unit.library.test_examples import planned


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*/*.sh")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shell_programs_parse(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True)


SECRET = "p'w \"d$HOME`id`\\%\n!*"


def test_script_gets_environment_arguments_and_input_unharmed(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\nprintf \'%s|%s|\' "$PASSWORD" "$WORDS"\ncat\nprintf \'|%s\' "$@"\nexit 7\n')
    program.chmod(0o755)
    with_ = {
        "program": "scripts/load_articles.py",
        "arguments": ["a b", "$HOME", 5],
        "stdin": "in {{ config.key }} 'put'",
        "environment": {"PASSWORD": "x{{ config.key }}", "WORDS": "two words"},
    }
    (script,) = planned("script", with_).scripts
    lines = put_secrets(script.stdin or "", {"key": SECRET}).replace(
        "/usr/local/lib/test-service/example", str(program)
    )
    done = subprocess.run([LIBRARY / "script/run.sh"], input=lines, capture_output=True, text=True)
    assert done.stdout == f"x{SECRET}|two words|in {SECRET} 'put'|a b|$HOME|5"
    assert (done.returncode, done.stderr) == (7, "")


@pytest.fixture
def migrate() -> ModuleType:
    specification = importlib.util.spec_from_file_location("migrate", LIBRARY / "postgresql/migrate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["migrate"] = module
    specification.loader.exec_module(module)
    return module


def folder_of(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_migrations_run_in_order_of_their_numbers(tmp_path: Path, migrate: ModuleType) -> None:
    folder = folder_of(
        tmp_path,
        {
            "1000_d.up.sql": "",
            "002_b.up.sql": "-- BEGIN; not really\nCREATE FUNCTION f() … $$\nBEGIN\n RETURN 1;\nEND;\n$$",
            "001_a.up.sql": "",
            "001_a.down.sql": "COMMIT;",
            "notes.txt": "",
        },
    )
    found = migrate.migrations(folder)
    assert [(migration.number, migration.name) for migration in found] == [(1, "a"), (2, "b"), (1000, "d")]
    applied = {1: migrate.Applied("a", found[0].checksum)}
    assert [migration.number for migration in migrate.pending(found, applied)] == [2, 1000]


def test_a_database_may_be_ahead(tmp_path: Path, migrate: ModuleType) -> None:
    found = migrate.migrations(folder_of(tmp_path, {"001_a.up.sql": ""}))
    applied = {1: migrate.Applied("a", found[0].checksum), 2: migrate.Applied("b", "of a later version")}
    assert migrate.pending(found, applied) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"1_a.up.sql": ""}, "expected a name such as 001_readers.up.sql"),
        ({"001_a.sql": ""}, "expected a name such as"),
        ({"001_a.up.sql": "", "001_b.up.sql": ""}, "001_a.up.sql has the same number"),
        ({"001_a.up.sql": "begin;\nselect 1;\ncommit;"}, "must not begin or end transactions"),
        ({"001_a.up.sql": "  START TRANSACTION ISOLATION LEVEL SERIALIZABLE;"}, "must not begin or end transactions"),
        ({"005_e.up.sql": "changed"}, "is not what was applied as 005_e; add a new migration"),
        ({"004_d.up.sql": ""}, "005_e was applied already; give it a later number"),
    ],
)
def test_migrations_that_cannot_be_right_are_refused(
    tmp_path: Path, migrate: ModuleType, files: dict[str, str], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        migrate.pending(migrate.migrations(folder_of(tmp_path, files)), {5: migrate.Applied("e", "another")})


def test_a_migration_does_not_wait_for_a_lock_without_end(tmp_path: Path, migrate: ModuleType) -> None:
    [found] = migrate.migrations(folder_of(tmp_path, {"001_a.up.sql": ""}))
    begin, patience, lock, run, *_ = migrate.transaction(found).splitlines()
    assert (begin, patience) == ("BEGIN;", "SET LOCAL lock_timeout = '30s';")  # the migration itself may choose another
    assert lock.startswith("LOCK TABLE schema_migrations ")
    assert run == f"\\i '{found.path}'"


def test_programs_of_the_example_start_as_programs() -> None:
    program = LIBRARY.parents[1] / "service_defs/access-service/smoke/grant_and_check.py"
    assert os.access(program, os.X_OK)
    assert program.read_text().startswith("#!/usr/bin/python3\n")
