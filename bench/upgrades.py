"""Figure e: a rolling upgrade behind nginx, node after node, against a playbook with `serial: 1` and a pyinfra deploy.

All three upgrade the same program on the same machines, by one file and the version in its environment. Their units are
equally protected. They go node by node, and see that one answers with the new version, or at all, before they go on.
Meanwhile each is asked 40 times a second, on a port of its own of the same nginx, over a new connection each time. What
is not answered with 200 within ten seconds has failed.

* soop: `pulumi up` with its look at all nodes, the gateway too; smoke tests at the end; nodes that were upgraded
  would be rolled back if it failed. Nodes stay in the upstream: systemd listens (`socket:`), so requests wait while
  the program is restarted. What has to reach the aim makes its preview first, which the others do not. Told beside it:
  the update alone (`--skip-preview`, for what a pull request has shown), and one with its preview from cold, with no
  server and no connection of an earlier run.
* Ansible, with `serial: 1`, and pyinfra, with `--serial`: the program listens itself. So a node leaves the upstream,
  nginx is reloaded, requests under way end, and after the upgrade the node comes back by another reload. A lone node
  cannot leave; a playbook that writes a socket unit would lose no request there either.
"""

from __future__ import annotations

import itertools
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from bench.load import asking
from bench.report import Comparison
from bench.run import Run
from bench.sample import Contestant, Sample, Series, side_by_side
from bench.tools import Place, Tools
from bench.workspace import COLD, HERE, Workspace, web
from soop_components.errors import SoopError

_FRONT, _SERVICE = "front-service-1.0.0", "web-service"
_PROGRAM = f"service_defs/{_SERVICE}/app/web.py"
_PORTS = {"soop": (80, 8080), "Ansible": (81, 8081), "pyinfra": (82, 8082)}
"""Where nginx listens for each, and where its program does."""


def figures(run: Run) -> Iterator[Comparison]:
    """Upgrade one node and several."""
    for nodes in run.web_nodes:
        with web() as ours:
            yield from _Contest(run, ours, nodes).figures()


class _Contest:
    """Three tools, one set of machines, one nginx."""

    def __init__(self, run: Run, ours: Workspace, nodes: int) -> None:
        self._run, self._ours, self._nodes = run, ours, nodes
        self._cold = ours.with_environment(**COLD)
        self._domain = f"bench-r{nodes}"
        self._source = (ours.root / _PROGRAM).read_text()
        self._versions = (f"1.0.{number}" for number in itertools.count(1))
        run.say(f"bringing nginx and web nodes up, {nodes} of them, then their services by Ansible and pyinfra too")
        self._prepare()
        ours.make_stack(self._domain)
        ours.up(self._domain, "--skip-preview")
        state = ours.state(self._domain)
        places = [Place(node.name, node.address, node.target.host_key) for node in state.nodes]
        groups = {
            "web": [place for place in places if place.name.startswith("web-")],
            "gateway": [place for place in places if place.name.startswith("gateway-")],
        }
        self._front = groups["gateway"][0].address
        files = [*(HERE / "web" / "peers").iterdir(), ours.root / _PROGRAM]
        self._tools = Tools(ours.root / "tools", files, groups, state.private_key or "")
        for upgrade in (self._ansible, self._pyinfra):
            upgrade()

    def figures(self) -> Iterator[Comparison]:
        """Yield how long it takes, and how many requests fail."""
        plural = "node" if self._nodes == 1 else "nodes"
        what = f"rolling upgrade of {self._nodes} web {plural}"
        self._run.say(what)
        contestants = [
            Contestant(
                "alone", lambda: self._under_load("soop", self._soop(self._ours, "--skip-preview")), self._prepare
            ),
            Contestant("Ansible", lambda: self._under_load("Ansible", self._ansible), self._prepare),
            Contestant("pyinfra", lambda: self._under_load("pyinfra", self._pyinfra), self._prepare),
            Contestant("soop", lambda: self._under_load("soop", self._soop(self._ours)), self._prepare),
            Contestant("cold", lambda: self._under_load("soop", self._soop(self._cold)), self._prepare),
        ]
        alone, ansible, pyinfra, previewed, cold = side_by_side(contestants, self._run.rounds(3), self._run.calm.wait)
        self._ours.destroy(self._domain)
        for other in (ansible, pyinfra):
            yield Comparison("e", what, previewed, other, 1.0, kind="speed")
        for other in (ansible, pyinfra):
            yield Comparison("e", f"{what}, without preview", alone, other, kind="speed")
        for other in (ansible, pyinfra):
            yield Comparison("e", f"{what}, from cold", cold, other, kind="speed")
        all_of_ours = Series(previewed.name, (), (), (*previewed.answers, *alone.answers, *cold.answers))
        failed = f"failed requests of that, {self._nodes} {plural}"
        for other in (ansible, pyinfra):
            yield Comparison("e", failed, all_of_ours, other, 0, kind="failed")

    def _prepare(self) -> None:
        """Make the next version: a program that differs, built for us, and beside their files for the others."""
        self._version = next(self._versions)
        program = f"{self._source}# {self._version}\n"
        (self._ours.root / _PROGRAM).write_text(program)
        theirs = self._ours.root / "tools" / "web.py"
        if theirs.exists():
            theirs.write_text(program)
        self._ours.run("soop", "build", "--version", self._version, f"service_defs/{_SERVICE}")
        self._ours.define(self._domain, f"{_SERVICE}-{self._version}", {"web": self._nodes}, {}, _FRONT)

    def _soop(self, project: Workspace, *options: str) -> Callable[[], Sample]:
        return lambda: project.up(self._domain, *options, expect="1 updated")

    def _ansible(self) -> Sample:
        return self._tools.ansible(self._data("Ansible"), r"ok=\d+ +changed=[1-9].* unreachable=0 +failed=0")

    def _pyinfra(self) -> Sample:
        return self._tools.pyinfra(self._data("pyinfra"), "", "--serial")

    def _data(self, name: str) -> Mapping[str, str | int]:
        listen, port = _PORTS[name]
        return {"version": self._version, "listen": listen, "port": port}

    def _under_load(self, name: str, upgrade: Callable[[], Sample]) -> Sample:
        listen, _ = _PORTS[name]
        with asking(self._front, listen) as answers:
            sample = upgrade()
        self._check(listen)
        return replace(sample, answers=answers)

    def _check(self, port: int) -> None:
        """Ask until each node has answered with the new version, and none has with another."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        seen: set[tuple[str, str]] = set()
        deadline = time.monotonic() + 60
        while len(seen) < self._nodes and time.monotonic() < deadline:
            with opener.open(f"http://{self._front}:{port}/", timeout=10) as answer:
                said = json.load(answer)
            seen.add((said["node"], said["version"]))
        if [version for _, version in seen] != [self._version] * self._nodes:
            raise SoopError(f"port {port}: upgraded to {self._version}, and {sorted(seen)} answer")
