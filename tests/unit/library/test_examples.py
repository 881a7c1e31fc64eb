"""Examples of blocks that run programs, and that every block's example is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.library import block_names
from tests.unit.library import test_databases, test_sites
from tests.unit.library.examples import content, example_of, planned, role_plan


def test_every_block_is_looked_at() -> None:
    modules = (globals(), vars(test_databases), vars(test_sites))
    tested = {name.removeprefix("test_") for module in modules for name in module if name.startswith("test_")}
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


@pytest.mark.parametrize("settings", [{"a b": 1}, {"x\ny": 1}])
def test_names_of_settings_stay_names(settings: dict[str, Any]) -> None:
    from soop_components.errors import InvalidInput

    for block in ("apache_site", "mariadb", "nginx_site", "postgresql", "redis", "systemd_service"):
        with pytest.raises(InvalidInput, match="settings"):
            planned(block, {**example_of(block), "settings": settings})
