"""Examples of blocks that keep data."""

from __future__ import annotations

from tests.unit.library.examples import content, planned, role_plan


def test_mariadb() -> None:
    plan = planned("mariadb")
    assert [(script.name, script.when) for script in plan.scripts][:2] == [
        ("prepare", "before_units"),
        ("database", "after_units"),
    ]
    secret = "@@soop-secret:database_password|mysql@@"
    assert f"ALTER USER 'shop'@'%' IDENTIFIED BY {secret};\n" in (plan.scripts[1].stdin or "")
    owner = plan.files["/etc/soop-mariadb/shop.cnf"]
    assert (owner.mode, owner.secret) == ("0600", True)
    assert "max_connections = 200\n" in content(plan, "/etc/mysql/mariadb.conf.d/90-soop.cnf")
    assert plan.units["mariadb.service"].restart_on == ("/etc/mysql/mariadb.conf.d/90-soop.cnf",)
    assert plan.command_health is not None


def test_mariadb_of_a_newer_base_takes_the_data_of_the_older_one() -> None:
    with_ = {"database": "x", "password": "{{ config.key }}"}
    for base, version, moved_from in (("debian-12", "10.11", ()), ("debian-13", "11.8", ("MariaDB 10.11",))):
        [data] = role_plan("mariadb", with_, base).data
        assert (data.written_by, data.moved_from) == (f"MariaDB {version}", moved_from)
        assert data.source == ".block/mariadb/hand_over.sh"


def test_mariadb_grants_what_is_in_the_database_and_not_in_those_with_a_like_name() -> None:
    plan = planned("mariadb", {"database": "our_shop", "password": "{{ config.key }}"})
    assert "ON `our\\_shop`.* TO 'our_shop'@'%'" in (plan.scripts[1].stdin or "")


def test_redis() -> None:
    plan = planned("redis")
    configuration = plan.files["/etc/redis/redis-example.conf"]
    assert (configuration.mode, configuration.group, configuration.secret) == ("0640", "redis", True)
    lines = (configuration.content or "").splitlines()
    assert {"bind 127.0.0.1 @@soop-node:name@@", "maxmemory 200mb", "maxmemory-policy allkeys-lru"} <= set(lines)
    assert "requirepass @@soop-secret:redis_password|json@@" in lines
    assert {"appendonly yes", "dir /var/lib/redis/example"} <= set(lines)
    assert list(plan.units) == ["redis-server@example.service"]
    assert plan.command_health is not None
    plan = planned("redis", {"password": "{{ config.key }}", "persistence": False})
    assert "appendonly no\n" in content(plan, "/etc/redis/redis-example.conf")


PASSWORD = "VALID UNTIL 'infinity' PASSWORD @@soop-secret:database_password|sql@@;\n"


def test_postgresql() -> None:
    plan = planned("postgresql")
    assert [(script.name, script.when, script.user) for script in plan.scripts] == [
        ("cluster", "before_units", "root"),
        ("database", "after_units", "postgres"),
        ("migrations", "after_units", "postgres"),
    ]
    database, migrations = plan.scripts[1:]
    assert f'ALTER ROLE "access" LOGIN {PASSWORD}' in (database.stdin or "")
    assert database.arguments == ("5432", "15")
    assert migrations.triggers == ("/usr/local/share/test-service/example/migrations",)
    assert "/usr/local/share/test-service/example/migrations/001_a.down.sql" in plan.files
    assert "max_connections = '200'\n" in content(plan, "/etc/soop-postgresql/postgresql.conf")
    assert 'host    "access"  +access  samenet  scram-sha-256\n' in content(plan, "/etc/soop-postgresql/pg_hba.conf")
    unit = plan.units["postgresql@15-main.service"]
    assert (unit.restart_on, unit.reload_on) == (
        ("/etc/soop-postgresql/postgresql.conf",),
        ("/etc/soop-postgresql/pg_hba.conf",),
    )


def test_postgresql_is_that_of_the_base_and_the_newer_one_takes_the_data_of_the_older() -> None:
    with_ = {"database": "x", "password": "{{ config.key }}"}
    for base, version, moved_from in (("debian-12", "15", ()), ("debian-13", "17", ("postgresql-15",))):
        role = role_plan("postgresql", with_, base)
        plan = role.components["example"]
        assert f"postgresql-{version}" in role.packages
        assert list(plan.units) == [f"postgresql@{version}-main.service"]
        assert plan.logs == (f"/var/log/postgresql/postgresql-{version}-main.log",)
        assert [script.arguments for script in plan.scripts] == [(version,), ("5432", version)]
        [data] = role.data
        assert (data.component, data.written_by, data.moved_from) == ("example", f"postgresql-{version}", moved_from)
        assert (data.blob, data.source) == (plan.blob, ".block/postgresql/hand_over.sh")
        assert data.arguments == (version,)


def test_postgresql_with_a_login_for_each_password() -> None:
    password = "{{ config.database_password }}"
    plan = planned("postgresql", {"database": "access", "login": "per_password", "password": password})
    login = "access_@@soop-secret:database_password|fingerprint@@"
    assert f'ALTER ROLE "{login}" LOGIN {PASSWORD}' in (plan.scripts[1].stdin or "")
    assert 'ALTER ROLE "access" ' not in (plan.scripts[1].stdin or "")
    assert 'host    "access"  +access  samenet  scram-sha-256\n' in content(plan, "/etc/soop-postgresql/pg_hba.conf")


def test_postgresql_without_migrations() -> None:
    plan = planned("postgresql", {"database": "x", "password": "{{ config.key }}"})
    assert [script.name for script in plan.scripts] == ["cluster", "database"]
    assert list(plan.files) == ["/etc/soop-postgresql/postgresql.conf", "/etc/soop-postgresql/pg_hba.conf"]
    assert 'CREATE ROLE "x" LOGIN' in (plan.scripts[1].stdin or "")
