"""What scenarios of the gateway see of its domain, and who uses it meanwhile."""

from __future__ import annotations

import json
import re
import shlex

from tests.scenarios.workspace import Workspace, get

DOMAIN = "dev-gate-access"
GATEWAY = f"gateway-1.gateway-service.{DOMAIN}"
DATABASE = f"database-1.access-service.{DOMAIN}"
WEB = [f"{name}.access-service.{DOMAIN}" for name in ("web-1", "web-2")]


def entrance(project: Workspace) -> str:
    """Return the gateway's address."""
    found: list[str] = project.service(DOMAIN, "gateway-service")["endpoints"]["http"]
    return found[0]


def behind(project: Workspace) -> list[str]:
    """Ask through the gateway several times and return the nodes that answered; each time one must."""
    url = f"{entrance(project)}/health"
    answers = [get(url) for _ in range(12)]
    assert {status for status, _ in answers} == {200}
    return sorted({answer["node"] for _, answer in answers})


def define(project: Workspace, reference: str, further: str = "") -> None:
    """Write a version with three web nodes into the domain definition, and what else it shall say of the service."""
    stack = project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    said = f"service: {reference}\n      nodes: {{web: 3}}\n{further}"
    stack.write_text(re.sub(r"service: access-service-\S+\n(?:      .*\n)*", said, stack.read_text()))


def sql(project: Workspace, text: str) -> list[str]:
    """Return the words that the database answers."""
    psql = f"cd /; runuser -u postgres -- psql -qAtX -d access -c {shlex.quote(text)}"
    return project.sh(DATABASE, psql).split()


def granted(project: Workspace, reader: str) -> list[str]:
    """Return the articles of a reader, as they are in the database."""
    return sql(project, f"SELECT article FROM grants WHERE reader = '{reader}' ORDER BY article")


def workers(project: Workspace) -> str:
    """Return the process ids of the gateway's nginx, all of which a reload or a restart would change."""
    return project.sh(GATEWAY, "pgrep nginx")


def seen(project: Workspace) -> tuple[dict[str, str], dict[str, str]]:
    """Return the version of each service, on which the state, `soop status` and all nodes agree; and the processes of
    both services on each node, as a restart or a reload would change them.
    """
    show = "systemctl show --property Id,MainPID 'access-service-*.service' nginx.service 'postgresql@*.service'"
    (status,) = json.loads(project.must("soop", "status", "--refresh", "--json", DOMAIN))
    versions, processes = {}, {}
    for service, known in project.outputs(DOMAIN)["services"].items():
        shown = status["services"][service]
        said = {shown["version"], known["version"], *(node["version"] for node in shown["nodes"].values())}
        assert all(node["healthy"] and not node["drift"] for node in shown["nodes"].values())
        for node in shown["nodes"]:
            found = project.sh(node, f"cat /var/lib/soop/accepted.json; echo; {show}; pgrep nginx || true")
            document, _, processes[node] = found.partition("\n")
            said.add(json.loads(document)["version"])
        assert len(said) == 1, said
        versions[service] = said.pop()
    return versions, processes
