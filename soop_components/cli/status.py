"""``soop status``: shows what is deployed where."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from soop_components.cli.terminal import minute, say, short, table
from soop_components.engine import DeployedNode, Engine, Release
from soop_components.engine.domains import DomainStatus, overview
from soop_components.engine.recovery import refuse_if_busy
from soop_components.model.names import NodeName, Reference
from soop_components.project import Project

HELP = "show what is deployed where"
DESCRIPTION = """\
Shows for every domain, or for one, which service definitions run on which nodes, and how the last deployment ended.
A node's state is what the last deployment or --refresh saw of it.
"""
HEADING = ("DOMAIN", "SERVICE", "VERSION", "DIGEST", "SINCE", "NODE", "ADDRESS", "STATE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="only this one")
    parser.add_argument("--refresh", action="store_true", help="look at the nodes now")
    parser.add_argument("--json", action="store_true", help="print a list of domains as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the status of the domains."""
    engine = Engine(Project.find())
    domains = overview(engine, arguments.domain)
    if arguments.refresh:
        for domain in domains:
            if domain.is_deployed and not domain.damage:
                refuse_if_busy(engine, domain.id)
                engine.refresh(domain.id)
        domains = overview(engine, arguments.domain)
    if arguments.json:
        print(json.dumps([as_json(domain) for domain in domains], indent=2))
        return 0
    if not domains:
        say("there are no domains yet; run: soop deploy SERVICE-VERSION DOMAIN")
        return 0
    show(domains)
    return 0


def show(domains: Sequence[DomainStatus]) -> None:
    """Print a table of the nodes, then what else there is to say of each domain."""
    print(table([HEADING, *(row for domain in domains for row in rows(domain))]))
    for domain in domains:
        for note in notes(domain):
            print(f"{domain.id}: {note}")


def rows(domain: DomainStatus) -> Iterator[Sequence[str]]:
    """Yield a row per node; what is the same as above is left blank."""
    releases = domain.state.releases if domain.state else ()
    if not domain.is_deployed or not releases:
        empty = "nothing deployed" if domain.is_deployed else "not deployed"
        yield (domain.id, "", "", "", "", "", "", "state is damaged" if domain.damage else empty)
        return
    first = (domain.id,)
    for release in releases:
        about = (
            release.service,
            release.version or "none",
            short(release.digest),
            minute(datetime.fromisoformat(release.since)) if release.since else "",
        )
        for node in release.nodes:
            yield (*first, *about, NodeName.parse(node.name).short, node.address, _condition(node))
            first, about = ("",), ("", "", "", "")
        if not release.nodes:
            yield (*first, *about, "", "", "no nodes")
            first = ("",)


def notes(domain: DomainStatus) -> Iterator[str]:
    """Yield what somebody should know besides: where services answer, how the last run ended, what is left to clear."""
    for release in domain.state.releases if domain.state else ():
        for name, urls in release.endpoints.items():
            yield f"{release.service} answers {name} at {' '.join(urls)}"
        yield from (f"{node.name}: {node.note}" for node in release.nodes if node.note)
    if domain.unfinished:
        yield domain.unfinished
    if domain.unknown_run:
        yield domain.unknown_run
    run = domain.last_run
    if run is None or run.succeeded or not domain.state:
        return
    what = "update" if run.kind == "update" else "destruction"
    running = [str(Reference(each.service, each.version)) for each in domain.state.releases if each.version]
    verb = "is" if len(running) == 1 else "are"
    still = f"{', '.join(running)} {verb} still accepted" if running else "nothing was accepted yet"
    yield f"the last {what} failed {minute(run.ended)}: {still}"


def as_json(domain: DomainStatus) -> dict[str, Any]:
    """Return a domain as scripts get it."""
    run = domain.last_run
    releases = domain.state.releases if domain.state else ()
    return {
        "domain": domain.id,
        "deployed": domain.is_deployed,
        "services": {release.service: _release_json(release) for release in releases},
        "last_run": run and {"kind": run.kind, "succeeded": run.succeeded, "ended": run.ended.isoformat()},
        "locked": bool(domain.locks),
        "pending_creates": list(domain.state.pending_creates) if domain.state else [],
    }


def _release_json(release: Release) -> dict[str, Any]:
    nodes = {
        node.name: _fields(node, "role", "address", "version", "healthy", "drift", "note") for node in release.nodes
    }
    return {**_fields(release, "version", "digest", "since", "endpoints"), "nodes": nodes}


def _fields(of: object, *names: str) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}


def _condition(node: DeployedNode) -> str:
    if node.healthy is None:
        return "nothing accepted yet"
    more = f" (and {len(node.drift) - 1} more)" if len(node.drift) > 1 else ""
    if node.drift:
        return node.drift[0].partition("\n")[0] + more
    return "healthy" if node.healthy else "not healthy"
