"""A service that is a database and its migrations."""

from __future__ import annotations

import json
import shlex

import yaml

from tests.scenarios.workspace import CHECKOUT, Workspace

DOMAIN = "dev-ledger"
NODE = f"database-1.ledger-service.{DOMAIN}"
SERVICE = """\
format: 1
service: ledger-service
version: 1.0.0
base: debian-12
config: {password: {type: string, secret: true, generate: 20}}
components:
  store: {uses: postgresql, with: {database: ledger, password: "{{ config.password }}", migrations: migrations/}}
nodes: {database: {components: [store]}}
"""
GOOD = {
    "001_entries.up.sql": """\
-- Commit; the word alone ends nothing.
CREATE TABLE entries (a int, changed timestamptz);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.changed := now(); RETURN NEW; END;
$$;
CREATE FUNCTION total() RETURNS bigint BEGIN ATOMIC SELECT CASE WHEN true THEN sum(a) END FROM entries; END;
CREATE TRIGGER touch BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION touch();
""",
    "002_dump.up.sql": """\
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
COPY public.entries (a) FROM stdin;
1
2
\\.
""",
    "003_own_schema.up.sql": "CREATE SCHEMA ledger; CREATE TABLE ledger.more ()",
    "004_foreign.up.sql": "-- soop: superuser\nCREATE EXTENSION postgres_fdw;\n"
    "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO ledger;\n",
    "20261127120000_index.up.sql": "-- soop: no-transaction\n"
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS by_a ON entries (a);\n",
}


class Ledger:
    """A service that is a database and its migrations, on its node."""

    def __init__(self, project: Workspace) -> None:
        self.project = project
        self.folder = project.root / "service_defs/ledger-service"
        (self.folder / "migrations").mkdir(parents=True)
        (self.folder / "service.yaml").write_text(SERVICE)
        lock = yaml.safe_load((CHECKOUT / "service_defs/access-service/service.lock").read_text())
        role = lock["roles"]["database"]
        packages = {name: lock["packages"][name] for name in role["packages"]}
        (self.folder / "service.lock").write_text(
            json.dumps({**lock, "packages": packages, "roles": {"database": role}})
        )

    def write(self, files: dict[str, str], down: str | None = "") -> None:
        """Write up-migrations, each with a way back unless there is none."""
        for name, text in files.items():
            (self.folder / "migrations" / name).write_text(text)
            if down is not None:
                (self.folder / "migrations" / name.replace(".up.", ".down.")).write_text(down)

    def sql(self, text: str, database: str = "ledger") -> str:
        psql = f"runuser -u postgres -- psql -qAtX -F ' ' -v ON_ERROR_STOP=1 -d {database} -c {shlex.quote(text)}"
        return self.project.sh(NODE, f"cd /; {psql} 2>&1").strip()
