"""A service that is a database on a disk of its own, and somebody who writes to it whatever happens."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

import yaml

from tests.scenarios.meanwhile import meanwhile
from tests.scenarios.migrations.on_node import OnNode
from tests.scenarios.workspace import CHECKOUT, Workspace

DOMAIN = "dev-vault"
NODE = f"database-1.vault-service.{DOMAIN}"
_SERVICE = """\
format: 1
service: vault-service
version: {version}
base: {base}
config: {{password: {{type: string, secret: true, generate: 20}}}}
components:
  store:
    uses: postgresql
    with: {{database: ledger, password: "{{{{ config.password }}}}", migrations: migrations/}}
nodes: {{database: {{components: [store], disk: {{size: 1GiB, mount: /var/lib/postgresql}}}}}}
smoke_tests: [{{name: it can be tried out, script: try.sh, role: database}}]
"""
_NOBODY = (AssertionError, LookupError, OSError)
"""What is raised where there is no machine, or none that has begun."""
HOLD = "/var/lib/postgresql/hold"
_WAITS = f"""
CREATE FUNCTION waits(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
  WHILE (pg_stat_file('{HOLD}', true)).size IS NOT NULL LOOP PERFORM pg_sleep(0.1); END LOOP;
  RETURN n;
END $$;
CREATE TABLE held AS SELECT 1 AS n;
CREATE INDEX by_waits ON held (waits(n));
"""
"""An index that is not made, in a restore either, before a file on the disk is gone."""


class Vault:
    """The service in its project."""

    def __init__(self, project: Workspace) -> None:
        self.project = project
        self.folder = project.root / "service_defs/vault-service"
        (self.folder / "migrations").mkdir(parents=True)
        (self.folder / "migrations/001_rows.up.sql").write_text("CREATE TABLE public.rows (n bigint PRIMARY KEY);")
        (self.folder / "migrations/001_rows.down.sql").write_text("DROP TABLE public.rows;")
        (self.folder / "try.sh").touch(0o755)
        lock = yaml.safe_load((CHECKOUT / "service_defs/access-service/service.lock").read_text())
        role = lock["roles"]["database"]
        packages = {name: lock["packages"][name] for name in role["packages"]}
        text = json.dumps({**lock, "packages": packages, "roles": {"database": role}})
        (self.folder / "service.lock").write_text(text)
        self._locked = "debian-12"

    def build(self, version: str, base: str, tried: str = "true") -> str:
        """Build a version for a base; ``tried`` is its smoke test."""
        (self.folder / "service.yaml").write_text(_SERVICE.format(version=version, base=base))
        (self.folder / "try.sh").write_text(f"#!/bin/sh\n{tried}\n")
        if base != self._locked:
            self.project.must("soop", "lock", "service_defs/vault-service")
            self._locked = base
        self.project.must("soop", "build", "service_defs/vault-service")
        return f"vault-service-{version}"

    @property
    def node(self) -> OnNode:
        """Its node, with the machine that it has now."""
        return OnNode(self.project, NODE)

    def fill(self) -> None:
        """Put there what migrations do not make."""
        self.node.sql("CREATE ROLE reporter LOGIN PASSWORD 'secret' IN ROLE ledger")
        self.node.sql("CREATE EXTENSION pg_trgm")
        self.node.sql("CREATE TABLE notes AS SELECT n, 'é ' || n AS note FROM generate_series(1, 1000) n")
        self.node.sql("CREATE INDEX ON notes USING gin (note gin_trgm_ops)")
        self.node.sql(_WAITS)

    def facts(self) -> list[str]:
        """Return what must be the same on another PostgreSQL."""
        asked = (
            "SELECT rolpassword, pg_has_role(rolname, 'ledger', 'MEMBER') FROM pg_authid WHERE rolname = 'reporter'",
            "SELECT datname, datdba::regrole, pg_encoding_to_char(encoding), datcollate FROM pg_database ORDER BY 1",
            "SELECT extname FROM pg_extension ORDER BY 1",
            "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
            "SELECT count(*), md5(string_agg(note, '' ORDER BY n)) FROM notes",
        )
        return [self.node.sql(text) for text in asked]

    def version(self) -> str:
        """Return the major version of the PostgreSQL that runs."""
        return self.node.sql("SHOW server_version").partition(".")[0]

    def rows(self) -> set[int]:
        """Return the rows that are there."""
        return set(map(int, self.node.sql("SELECT n FROM rows").split()))

    def hold(self, is_held: bool) -> None:
        """Let a restore wait in its midst, or go on."""
        self.node.sh(f"{'touch' if is_held else 'rm -f'} {HOLD}")

    def is_restoring(self) -> bool:
        """Return whether a restore waits."""
        with suppress(*_NOBODY):
            return self.node.has("pgrep -f '[C]REATE INDEX'")
        return False

    @contextmanager
    def writing(self) -> Iterator[list[int]]:
        """Insert one row after the other meanwhile, on the machine that there is; yields those acknowledged."""
        acknowledged: list[int] = []
        numbers = count(max(self.rows(), default=0) + 1)

        def write() -> None:
            number = next(numbers)
            with suppress(*_NOBODY, subprocess.SubprocessError):
                self.node.sql(f"INSERT INTO rows VALUES ({number})")
                acknowledged.append(number)

        with meanwhile(write):
            yield acknowledged
