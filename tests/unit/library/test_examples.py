"""The example in each block's header is planned as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from soop_components.library import LIBRARY, block_names
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.plan import ComponentPlan, RolePlan
from soop_components.planning.service import plan_service
from soop_components.reading.yaml_file import parse_yaml
from tests.unit.planning.resolve import digest_of, resolve_data

FILES = {
    "migrations/001_a.up.sql": "SELECT 1;",
    "migrations/001_a.down.sql": "SELECT 0;",
    "app/access.py": "app",
    "app/requirements.txt": "flask",
    "dist/server.js": "server",
    "dist/node_modules/mime/cli.js": "mime",
    "dist/node_modules/.bin/mime": "-> ../mime/cli.js",
    "jobs/tidy.sh": "#!/bin/sh\n",
    "html/index.html": "hello",
    "html/css/site.css": "css",
    "scripts/load_articles.py": "#!/usr/bin/python3\n",
}
CONFIG = {
    "port": {"type": "integer", "default": 8080},
    "key": {"type": "string", "secret": True, "generate": 20},
    "certificate": {"type": "string", "secret": True, "generate": "certificate"},
    "database_password": {"type": "string", "secret": True, "generate": 20},
    "redis_password": {"type": "string", "secret": True, "generate": 20},
}
"""What examples of blocks may use."""


def example_of(block: str, folder: Path | None = None) -> Any:
    """Return what stands after ``with:`` in the comment at the top of ``block.yaml``."""
    text = ((folder or LIBRARY / block) / "block.yaml").read_text()
    found = re.search(r"^#   with:\n((?:#     .*\n)+)", text, re.MULTILINE)
    assert found is not None, f"{block} has no example"
    return parse_yaml(re.sub(r"^#     ", "", found[1], flags=re.MULTILINE), block).data


def role_plan(block: str, with_: dict[str, Any], base: str = "debian-12") -> RolePlan:
    data = {
        "definition": {
            "base": base,
            "config": CONFIG,
            "components": {"example": {"uses": block, "with": with_}},
            "nodes": {"web": {"components": ["example"]}, "database": {"components": ["example"]}},
        },
        "files": FILES,
    }
    resolved = resolve_data(data)
    domain = DomainDefinition.model_validate(
        {"id": "dev-test", "environment": "dev", "services": [{"service": "test-service-1.0.0"}]}
    )
    environment = Environment(name="dev")
    return plan_service(resolved, digest_of("m"), domain, environment, domain.services[0], {}).roles["web"]


def planned(block: str, with_: dict[str, Any] | None = None) -> ComponentPlan:
    return role_plan(block, example_of(block) if with_ is None else with_).components["example"]


def content(plan: ComponentPlan, path: str) -> str:
    return plan.files[path].content or ""


def test_every_block_is_looked_at_here() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert set(block_names()) <= tested


def test_debian_packages() -> None:
    plan = role_plan("debian_packages", example_of("debian_packages"))
    assert list(plan.packages) == ["cron", "logrotate"]
    assert list(plan.components["example"].units) == ["cron.service"]
    assert plan.components["example"].units["cron.service"].enabled


def test_files() -> None:
    plan = planned("files")
    assert content(plan, "/etc/motd") == "test-service on @@soop-node:name@@\n"
    assert (plan.files["/etc/access/key"].mode, plan.files["/etc/access/key"].group) == ("0640", "access")
    assert plan.files["/srv/www/css/site.css"].source == "html/css/site.css"
    assert plan.directories["/srv/uploads"].mode == "0750"
    assert plan.links["/srv/current"].target == "/srv/www"
    assert plan.users["access"].home == "/srv"
    assert plan.absent == ("/etc/update-motd.d/10-uname",)


def test_script() -> None:
    plan = planned("script")
    (script,) = plan.scripts
    program = "/usr/local/lib/test-service/example"
    assert plan.files[program].mode == "0755"
    assert script.triggers == (program, "/opt/articles")
    assert script.arguments == ()
    lines = (script.stdin or "").splitlines()
    assert lines[0].startswith("export DATABASE_URL=postgresql://access:@@soop-secret:database_password|url|sh@@")
    assert lines[1] == f"printf %s '' | {program} --from /opt/articles"


def test_systemd_service() -> None:
    plan = planned("systemd_service")
    assert list(plan.units) == ["test-service-example.service"]
    unit = plan.units["test-service-example.service"]
    lines = (unit.content or "").splitlines()
    assert "ExecStart=gunicorn --bind 0.0.0.0:8080 access:app" in lines
    assert {"User=_example", "WorkingDirectory=/opt/access-service", "MemoryMax=200M"} <= set(lines)
    assert not any(line.startswith("Environment=") for line in lines)
    assert unit.restart_on == ("/etc/test-service/example.env", "/opt/access-service/")
    environment = plan.files["/etc/test-service/example.env"]
    assert (environment.mode, environment.owner, environment.secret) == ("0600", "root", True)
    assert 'SOOP_NODE="@@soop-node:name@@"\n' in content(plan, "/etc/test-service/example.env")
    assert plan.http_health is not None
    assert (plan.http_health.path, plan.http_health.port) == ("/health", 8080)
    assert list(plan.users) == ["_example"]


def test_systemd_service_that_listens_through_systemd() -> None:
    plan = planned("systemd_service", {"command": "x", "socket": 8080})
    assert list(plan.units) == ["test-service-example.socket", "test-service-example.service"]
    socket, unit = (part.content or "" for part in plan.units.values())
    assert "\nListenStream=8080\n" in socket
    assert "\nRequires=test-service-example.socket\n" in unit


def test_python_application() -> None:
    role = role_plan("python_application", example_of("python_application"))
    plan = role.components["example"]
    assert list(role.packages) == ["python3-pip-whl"]
    home = "/opt/test-service/example"
    assert plan.files[f"{home}/app/access.py"].source == "app/access.py"
    unit = plan.units["test-service-example.service"]
    lines = (unit.content or "").splitlines()
    assert f"ExecSearchPath={home}/environment/bin:/usr/local/bin:/usr/bin:/bin" in lines
    assert {"ExecStart=gunicorn --bind 0.0.0.0:8080 access:app", f"WorkingDirectory={home}/app"} <= set(lines)
    assert unit.restart_on == ("/etc/test-service/example.env", f"{home}/app", f"{home}/environment")
    (script,) = plan.scripts
    assert (script.when, script.arguments, script.triggers) == ("before_units", (home,), (f"{home}/wheels",))


def test_timer() -> None:
    plan = planned("timer")
    timer, unit = plan.units["test-service-example.timer"], plan.units["test-service-example.service"]
    assert "OnCalendar=*-*-* 03:00 Europe/Berlin" in (timer.content or "").splitlines()
    assert (timer.state, unit.state, unit.enabled, unit.restart_on) == ("started", "unmanaged", False, ())
    lines = (unit.content or "").splitlines()
    assert {"Type=oneshot", "TimeoutStartSec=3600", "User=_example"} <= set(lines)
    assert not any(line.startswith(("Restart=", "[Install]", "Before=")) for line in lines)
    (script,) = plan.scripts
    assert script.arguments == ("test-service-example.service", "*-*-* 03:00 Europe/Berlin", "1.0.0")
    assert script.triggers == ("/etc/test-service/example.env", "/opt/access-service/jobs/")
    assert plan.command_health is not None
    assert plan.files[plan.command_health.command[0]].mode == "0755"


def test_program() -> None:
    role = role_plan("program", example_of("program"))
    plan = role.components["example"]
    assert list(role.packages) == ["nodejs"]
    assert plan.files["/opt/test-service/example/server.js"].source == "dist/server.js"
    assert plan.links["/opt/test-service/example/node_modules/.bin/mime"].target == "../mime/cli.js"
    unit = plan.units["test-service-example.service"]
    lines = (unit.content or "").splitlines()
    assert {
        "ExecStart=node server.js --port 8080",
        "WorkingDirectory=/opt/test-service/example",
        "Restart=always",
    } <= set(lines)
    assert (
        "ExecSearchPath=/opt/test-service/example:/opt/test-service/example/node_modules/.bin:/usr/local/bin:/usr/bin:/bin"
        in lines
    )
    assert unit.restart_on == ("/etc/test-service/example.env", "/opt/test-service/example")


@pytest.mark.parametrize(
    ("runtime", "packages"), [("java", ["default-jre-headless"]), ("none", []), ("python3", ["python3"])]
)
def test_programs_have_the_runtime_that_they_ask_for(runtime: str, packages: list[str]) -> None:
    role = role_plan("program", {"program": "dist/server.js", "command": "x", "runtime": runtime})
    assert list(role.packages) == packages
    assert list(role.components["example"].files)[1] == "/opt/test-service/example/server.js"


def test_node_exporter() -> None:
    role = role_plan("node_exporter", example_of("node_exporter"))
    plan = role.components["example"]
    assert list(role.packages) == ["prometheus-node-exporter"]
    text = content(plan, "/etc/default/prometheus-node-exporter")
    assert text.startswith('ARGS="--web.listen-address=:9100 --collector.systemd --collector.filesystem')
    assert text.endswith('sys)(\\$|/)"\n')
    assert plan.http_health is not None
    assert (plan.http_health.path, plan.http_health.port) == ("/metrics", 9100)


def test_systemd_service_without_anything() -> None:
    plan = planned("systemd_service", {"command": "/bin/sleep infinity"})
    assert "WorkingDirectory=/" in (plan.units["test-service-example.service"].content or "").splitlines()
    assert plan.http_health is None
    assert plan.command_health is None
    plan = planned("systemd_service", {"command": "x", "health": {"command": ["/bin/true"], "timeout": 5}})
    assert plan.command_health is not None
    assert (plan.command_health.command, plan.command_health.timeout) == (("/bin/true",), 5)


def test_apache_site() -> None:
    role = role_plan("apache_site", example_of("apache_site"))
    plan = role.components["example"]
    assert set(role.packages) == {"apache2", "libapache2-mod-php", "php-mysql", "php-gd"}
    lines = content(plan, "/etc/apache2/sites-enabled/test-service-example.conf").splitlines()
    assert lines[0] == "<VirtualHost *:80>"
    assert '    DocumentRoot "/srv/www"' in lines
    assert '    php_admin_value memory_limit "256M"' in lines
    assert '    ProxyPass "/api/" "http://127.0.0.1:8080/" connectiontimeout=2 retry=1' in lines
    assert plan.files["/srv/www/css/site.css"].source == "html/css/site.css"
    assert [(script.when, script.arguments) for script in plan.scripts] == [("before_units", ("proxy", "proxy_http"))]
    assert "/srv/www/" in plan.units["apache2.service"].reload_on
    assert plan.http_health is not None


def test_apache_site_of_a_packaged_application() -> None:
    given = {"aliases": {"/wp-content": "/var/lib/wp"}, "fallback": "/index.php", "names": ["a.org", "b.org"]}
    plan = planned("apache_site", {**given, "port": 8081, "settings": {"Redirect": "/old /new"}})
    lines = content(plan, "/etc/apache2/sites-enabled/test-service-example.conf").splitlines()
    assert {"    ServerName a.org", "    ServerAlias b.org", "    Redirect /old /new"} <= set(lines)
    assert '    Alias "/wp-content" "/var/lib/wp"' in lines
    assert lines.count("        FallbackResource /index.php") == 1
    assert (plan.http_health, plan.scripts[0].arguments) == (None, ())


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


def test_nginx_site() -> None:
    plan = planned("nginx_site")
    path = "/etc/nginx/conf.d/test-service-example.conf"
    text = content(plan, path)
    assert "    server 127.0.0.1:8080 max_fails=2 fail_timeout=10s;\n" in text
    assert "    listen 80;\n" in text
    assert plan.absent == ("/etc/nginx/sites-enabled/default",)
    assert plan.units["nginx.service"].reload_on == ("/etc/hosts", path, "/etc/nginx/test-service-example.pem")
    assert [(script.name, script.when) for script in plan.scripts] == [("validate", "before_units")]
    assert plan.http_health is not None


def test_nginx_site_before_others() -> None:
    plan = planned(
        "nginx_site",
        {"upstreams": ["http://a.b:80", "c:81/"], "names": ["x.org", "*.x.org"], "settings": {"gzip": "on"}},
    )
    text = content(plan, "/etc/nginx/conf.d/test-service-example.conf")
    assert "server a.b:80 max" in text
    assert "server c:81 max" in text
    assert "    server_name x.org *.x.org;\n" in text
    assert "    gzip on;\n" in text
    assert plan.http_health is None


def test_nginx_site_with_tls() -> None:
    pem = "/etc/nginx/test-service-example.pem"
    plan = planned("nginx_site", {"upstreams": ["a:80"], "port": 443, "certificate": "{{ config.key }}", "health": "/"})
    assert f"    listen 443 ssl;\n    ssl_certificate {pem};\n    ssl_certificate_key {pem};\n" in content(
        plan, "/etc/nginx/conf.d/test-service-example.conf"
    )
    assert (plan.files[pem].content, plan.files[pem].mode) == ("@@soop-secret:key@@\n", "0600")
    assert plan.http_health is not None
    assert plan.http_health.tls


def test_haproxy() -> None:
    plan = planned("haproxy")
    text = content(plan, "/etc/haproxy/conf.d/test-service-example.cfg")
    assert "    server 127.0.0.1_8080 127.0.0.1:8080\n" in text
    assert "    bind *:443 ssl crt /etc/haproxy/test-service-example.pem alpn h2,http/1.1\n" in text
    assert "    http-check send meth GET uri /health ver HTTP/1.1 hdr Host test-service-example\n" in text
    assert plan.files["/etc/haproxy/test-service-example.pem"].mode == "0600"
    assert plan.units["haproxy.service"].reload_on == ("/etc/haproxy", "/etc/hosts")
    assert plan.http_health is not None
    assert plan.http_health.tls


def test_haproxy_before_others() -> None:
    plan = planned("haproxy", {"upstreams": ["http://a.b:80", "c:81/"], "frontend": ["option httpclose"]})
    text = content(plan, "/etc/haproxy/conf.d/test-service-example.cfg")
    assert "    server a.b_80 a.b:80\n    server c_81 c:81\n" in text
    assert "    bind *:80\n" in text
    assert "    option httpclose\n" in text
    assert "httpchk" not in text
    assert plan.http_health is None


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


@pytest.mark.parametrize("settings", [{"a b": 1}, {"x\ny": 1}])
def test_names_of_settings_stay_names(settings: dict[str, Any]) -> None:
    from soop_components.errors import InvalidInput

    for block in ("apache_site", "mariadb", "nginx_site", "postgresql", "redis", "systemd_service"):
        with pytest.raises(InvalidInput, match="settings"):
            planned(block, {**example_of(block), "settings": settings})
