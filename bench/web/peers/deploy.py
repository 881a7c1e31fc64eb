"""The same for pyinfra, run with `--serial`: one node after the other, each with all operations."""

from io import StringIO
from pathlib import Path

from jinja2 import Template
from pyinfra import host, inventory
from pyinfra.operations import files, python, server, systemd

NODES = [each.name for each in inventory.get_group("web")]
SITE = "/etc/nginx/conf.d/pyinfra.conf"
DRAINED = """timeout 30 sh -c 'while ss -Htn state established "( sport = :{port} )" | grep -q .; do sleep 0.1; done'"""
ANSWERS = """
import json, time, urllib.request
for _ in range(600):
    try:
        if json.load(urllib.request.urlopen("http://127.0.0.1:{port}/", timeout=5))["version"] == "{version}":
            break
    except OSError:
        pass
    time.sleep(0.1)
else:
    raise SystemExit("does not answer with {version}")
"""


def write_site(out: str) -> None:
    """Let nginx send its requests to all nodes but one; its connection to the gateway is open already."""
    gateway = inventory.get_group("gateway")[0]
    parts = {"label": "pyinfra", "port": host.data.port, "listen": host.data.listen, "nodes": NODES, "out": out}
    text = Template(Path("site.conf.j2").read_text(), keep_trailing_newline=True).render(parts)
    written = gateway.put_file(StringIO(text), SITE)
    reloaded, said = gateway.run_shell_command("systemctl reload nginx")
    if not (written and reloaded):
        raise RuntimeError(f"nginx: {said.output}")


def make_gateway() -> None:
    """Make the site once; later it is as it was left."""
    site = files.template(
        name="site",
        src="site.conf.j2",
        dest=SITE,
        mode="644",
        label="pyinfra",
        port=host.data.port,
        listen=host.data.listen,
        nodes=NODES,
        out="",
    )
    systemd.service(name="reload", service="nginx", running=True, reloaded=site.will_change)


def make_web() -> None:
    """Make what the playbook makes of a node."""
    parts = {"label": "pyinfra", "node": host.name, "version": host.data.version, "port": host.data.port}
    server.user(
        name="user",
        user="_pyinfra_web",
        system=True,
        home="/nonexistent",
        ensure_home=False,
        shell="/usr/sbin/nologin",
    )
    for folder in ("/etc", "/opt"):
        files.directory(name=f"directory in {folder}", path=f"{folder}/pyinfra-service", mode="755")
    settings = files.template(
        name="settings", src="web.env.j2", dest="/etc/pyinfra-service/web.env", mode="600", **parts
    )
    program = files.put(name="program", src="web.py", dest="/opt/pyinfra-service/web.py", mode="644")
    unit = files.template(
        name="unit", src="web.service.j2", dest="/etc/systemd/system/pyinfra-service.service", mode="644", **parts
    )
    systemd.service(
        name="service",
        service="pyinfra-service",
        running=True,
        enabled=True,
        restarted=any(each.will_change for each in (settings, program, unit)),
        daemon_reload=unit.will_change,
    )
    server.shell(name="answers with this version", commands=[f"python3 -c '{ANSWERS.format(**parts)}'"])


if host in inventory.get_group("gateway"):
    make_gateway()
elif len(NODES) == 1:
    make_web()
else:
    python.call(name="out of the upstream", function=write_site, out=host.name)
    server.shell(name="requests under way are answered", commands=[DRAINED.format(port=host.data.port)])
    make_web()
    python.call(name="into the upstream", function=write_site, out="")
