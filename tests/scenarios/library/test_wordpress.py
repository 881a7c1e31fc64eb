"""What ``soop init --template wordpress`` begins, with a Redis and migrations beside it, on real machines."""

from __future__ import annotations

import base64
import shlex
import shutil
import urllib.request
from collections.abc import Iterator

import pytest

from soop_components.build.program_folder import program_of
from soop_components.library import LIBRARY
from soop_components.starter import Template
from tests.scenarios.workspace import Workspace, workspace

TEMPLATE = Template("wordpress")
DATABASE = f"database-1.{TEMPLATE.service}.{TEMPLATE.domain}"
WEB = f"web-1.{TEMPLATE.service}.{TEMPLATE.domain}"
CACHE = """\
  cache:
    uses: redis
    with: {password: "{{ config.salt }}", maximum_memory: 32mb}
"""
STATIC = """\
  static:
    uses: apache_site
    with:
      port: 8081
      document_root: /srv/static
      files: {html/: /srv/static/}
      proxy: {/blog/: "http://127.0.0.1/"}
      health: /
"""
FOLDER = f"/usr/local/share/{TEMPLATE.service}/store/migrations"
MIGRATIONS = {
    "001_goods.up.sql": "CREATE TABLE goods (id int PRIMARY KEY, name varchar(50));",
    "001_goods.down.sql": "DROP TABLE goods;",
    "002_rows.up.sql": "INSERT INTO goods VALUES (1, 'caf\u00e9; it''s here');\nINSERT INTO goods VALUES (2, 'x');",
    "002_rows.down.sql": "DELETE FROM goods;",
    "003_names.up.sql": "-- soop: contract\nALTER TABLE goods CHANGE name label varchar(50);",
    "003_names.down.sql": "ALTER TABLE goods CHANGE label name varchar(50);",
}


class Blog:
    """The domain, and the definition of its service."""

    def __init__(self, project: Workspace) -> None:
        self.project = project
        self.folder = project.root / "service_defs" / TEMPLATE.service
        shutil.copytree(TEMPLATE.folder, project.root, dirs_exist_ok=True)
        self._definition = self._with_more()
        (self.folder / "migrations").mkdir()
        (self.folder / "html").mkdir()
        (self.folder / "html/index.html").write_text("just a file")

    def _with_more(self) -> str:
        text = (self.folder / "service.yaml").read_text()
        for old, new in (
            ("  settings:\n", f"{CACHE}{STATIC}  settings:\n"),
            ("components: [settings, site, install]", "components: [settings, site, install, static]"),
            ("components: [store]", "components: [store, cache]"),
            ('_password }}"}\n  cache', '_password }}", migrations: migrations/}\n  cache'),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text

    def build(self) -> str:
        """Build the service, and return its version."""
        (self.folder / "service.yaml").write_text(self._definition)
        for name, text in MIGRATIONS.items():
            (self.folder / "migrations" / name).write_text(text)
        self.project.must("soop", "lock", TEMPLATE.service)
        self.project.must("soop", "build", TEMPLATE.service)
        return f"{TEMPLATE.service}-0.1.0"

    def sql(self, text: str) -> str:
        client = "mariadb --defaults-file=/etc/soop-mariadb/wordpress.cnf --default-character-set=utf8mb4 -BN wordpress"
        return self.project.sh(DATABASE, f"{client} -e {shlex.quote(text)}").strip()

    def migrate(self, before: str = "", options: str = "") -> str:
        """Run the program of migrations on its node; return what it says, and its exit code."""
        where = "/etc/soop-mariadb/wordpress.cnf wordpress /tmp/trial"
        command = f"{before}python3 /tmp/migrate {where} {options} 2>&1; echo $?"
        return self.project.sh(DATABASE, command).strip()

    def read(self, path: str) -> str:
        (url,) = self.project.service(TEMPLATE.domain, TEMPLATE.service)["endpoints"]["http"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url + path, timeout=60) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def blog() -> Iterator[Blog]:
    """A blog that is up."""
    with workspace("library") as project:
        made = Blog(project)
        project.must("soop", "deploy", "--yes", made.build(), TEMPLATE.domain)
        yield made


def test_a_post_is_read_and_nothing_is_left_to_do(blog: Blog) -> None:
    assert "Hello world" in blog.read("/?p=1")
    assert "A blog of ours" in blog.read("/")
    assert blog.project.changes(TEMPLATE.domain) == {}


def test_sites_beside_each_other_have_ports_of_their_own_and_pass_requests_on(blog: Blog) -> None:
    asking = "python3 -c 'import sys, urllib.request as r; sys.stdout.buffer.write(r.urlopen(sys.argv[1]).read())'"
    assert blog.project.sh(WEB, f"{asking} http://127.0.0.1:8081/") == "just a file"
    assert "Hello world" in blog.project.sh(WEB, f"{asking} http://127.0.0.1:8081/blog/")
    assert blog.project.sh(WEB, "cat /etc/apache2/ports.conf") == "Listen 80\nListen 8081\n"


def test_redis_takes_its_password_alone_and_keeps_its_data(blog: Blog) -> None:
    address = f"redis-cli -h {DATABASE}"
    password = "$(sed -n 's/^requirepass \"\\(.*\\)\"$/\\1/p' /etc/redis/redis-cache.conf)"
    said = blog.project.sh(DATABASE, f"{address} GET x; REDISCLI_AUTH={password} {address} SET x kept")
    assert said.splitlines()[0].startswith("NOAUTH")
    blog.project.sh(DATABASE, "systemctl restart redis-server@cache.service")
    read = f"until REDISCLI_AUTH={password} {address} PING | grep -q PONG; do sleep 0.2; done"
    assert blog.project.sh(DATABASE, f"{read}; REDISCLI_AUTH={password} {address} GET x").strip() == "kept"


def test_migrations_of_mariadb_are_made_as_a_whole_and_are_undone(blog: Blog) -> None:
    assert blog.sql("SELECT label FROM goods ORDER BY id").splitlines() == ["caf\u00e9; it's here", "x"]
    program = base64.b64encode(program_of(LIBRARY / "mariadb/migrate")).decode()
    blog.project.sh(DATABASE, f"echo {program} | base64 -d > /tmp/migrate; cp -r {FOLDER} /tmp/trial")
    bad = "INSERT INTO goods VALUES (3, 'y');\nINSERT INTO goods VALUES (1, 'twice');"
    said = blog.migrate(f"printf %s {shlex.quote(bad)} > /tmp/trial/004_bad.up.sql; ")
    assert "ERROR 1062 (23000) at line 2: Duplicate entry '1' for key 'PRIMARY'" in said
    assert said.endswith("/tmp/trial/004_bad.up.sql: was not made\n1")
    assert blog.sql("SELECT count(*) FROM goods; SELECT max(number) FROM schema_migrations").split() == ["2", "3"]
    said = blog.migrate("rm /tmp/trial/00[34]*; ")
    assert "003_names of a later version is contract, and this version does not run on its result" in said
    assert blog.migrate(options="--rows 1") == "0"
    assert blog.migrate(options="--lacks 3").endswith("migration 3 or a later one was applied\n1")
    assert blog.migrate(options="--down-to 1") == "undoing migration 003_names\nundoing migration 002_rows\n0"
    assert blog.sql("SELECT count(name) FROM goods; SELECT max(number) FROM schema_migrations").split() == ["0", "1"]
    assert blog.migrate() == "migration 002_rows\n0"
