"""What small-service is, for pyinfra."""

from pyinfra import host
from pyinfra.operations import files, server, systemd

server.user(
    name="user",
    user="_pyinfra_greeter",
    system=True,
    home="/nonexistent",
    ensure_home=False,
    shell="/usr/sbin/nologin",
)
for folder in ("/srv", "/etc", "/opt"):
    files.directory(name=f"directory in {folder}", path=f"{folder}/pyinfra-service", mode="755")
parts = {"label": "pyinfra", "greeting": host.data.greeting, "node": host.data.node}
greeting = files.template(
    name="greeting", src="greeting.txt.j2", dest="/srv/pyinfra-service/greeting.txt", mode="644", **parts
)
settings = files.template(
    name="settings", src="greeter.env.j2", dest="/etc/pyinfra-service/greeter.env", mode="600", **parts
)
program = files.put(name="program", src="greet.py", dest="/opt/pyinfra-service/greet.py", mode="644")
unit = files.template(
    name="unit", src="greeter.service.j2", dest="/etc/systemd/system/pyinfra-service.service", mode="644", **parts
)
changed = any(each.will_change for each in (greeting, settings, program, unit))
systemd.service(
    name="service",
    service="pyinfra-service",
    running=True,
    enabled=True,
    restarted=changed,
    daemon_reload=unit.will_change,
)
server.shell(name="check", commands=["pgrep --full /opt/pyinfra-service/greet.py"])
