"""Figure c: Ansible and pyinfra make the same service of the same machines, with nothing or one line to change."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from bench.report import Comparison
from bench.run import Run
from bench.sample import Contestant, Sample, Series, side_by_side
from bench.tools import Place, Tools
from bench.workspace import COLD, HERE, Workspace, small

SERVICE = "small-service"
FEW, MANY = 6, 24
_PROGRAM = f"service_defs/{SERVICE}/app/greet.py"
_MORNING = {"greeting": "good morning"}
_AIMS = {FEW: {"Ansible": 5.0, "pyinfra": 1.0}, MANY: {"Ansible": 10.0, "pyinfra": 2.0}}


def figures(run: Run) -> Iterator[Comparison]:
    """Measure on a few nodes and on many; the preview and the look at all nodes are part of our runs."""
    for nodes in (FEW, MANY):
        with small() as ours:
            yield from _Contest(run, ours, nodes).figures()


class _Contest:
    """Three tools, one set of machines."""

    def __init__(self, run: Run, ours: Workspace, nodes: int) -> None:
        self._run, self._ours, self._nodes = run, ours, nodes
        self._cold = ours.with_environment(**COLD)
        self._domain = f"bench-n{nodes}"
        self._reference = f"{SERVICE}-1.0.0"
        self._greetings = (f"hello {number}" for number in itertools.count())
        run.say(f"bringing {nodes} nodes up, then by Ansible and pyinfra too")
        self._define("good morning")
        ours.make_stack(self._domain)
        ours.up(self._domain, "--skip-preview")
        self._tools = self._make_tools()
        for apply in (self._tools.ansible, self._tools.pyinfra):
            apply(_MORNING)

    def figures(self) -> Iterator[Comparison]:
        """Yield nothing changed, then one line changed."""
        self._run.say(f"{self._nodes} nodes, nothing to change")
        still = [
            Contestant("soop", self._up(r"\d+ unchanged")),
            Contestant("Ansible", lambda: self._tools.ansible(_MORNING, self._recap("changed=0 "))),
            Contestant("pyinfra", lambda: self._tools.pyinfra(_MORNING, rf"(?i)No changes|{self._nodes}")),
            Contestant("soop, cold", self._up(r"\d+ unchanged", self._cold)),
        ]
        found = side_by_side(still, self._run.rounds(5), self._run.calm.wait)
        yield from self._compare("nothing to change", found[:3])
        yield from self._comparisons_of("nothing to change, from cold", found[3], found[1:3])
        self._run.say(f"{self._nodes} nodes, one line to change")
        changes = [
            Contestant("soop", self._up("1 updated"), lambda: self._define(next(self._greetings))),
            Contestant("Ansible", lambda: self._tools.ansible(self._next(), self._recap("changed=[1-9]"))),
            Contestant("pyinfra", lambda: self._tools.pyinfra(self._next())),
            Contestant("soop, cold", self._up("1 updated", self._cold), lambda: self._define(next(self._greetings))),
            Contestant("soop build", self._build_and_up, self._edit),
        ]
        found = side_by_side(changes, self._run.rounds(3), self._run.calm.wait)
        yield from self._compare("one line to change", found[:3])
        yield from self._comparisons_of("one line to change, from cold", found[3], found[1:3])
        yield from self._compare("the same in a source, build included", [found[4], *found[1:3]])
        self._ours.destroy(self._domain)

    def _compare(self, what: str, series: list[Series]) -> Iterator[Comparison]:
        mine, *others = series
        for other in others:
            aim = _AIMS[self._nodes][other.name]
            yield Comparison("c", f"{self._nodes} nodes, {what}", mine, other, aim, kind="speed")

    def _comparisons_of(self, what: str, mine: Series, others: Iterable[Series]) -> Iterator[Comparison]:
        for other in others:
            yield Comparison("c", f"{self._nodes} nodes, {what}", mine, other, kind="speed")

    def _up(self, expect: str, project: Workspace | None = None) -> Callable[[], Sample]:
        return lambda: (project or self._ours).up(self._domain, expect=expect)

    def _recap(self, pattern: str) -> str:
        """Return what Ansible says when this holds of the last node and none failed."""
        return rf"ok=\d+ +{pattern}.* unreachable=0 +failed=0"

    def _define(self, greeting: str) -> None:
        self._ours.define(self._domain, self._reference, {"web": self._nodes}, {"greeting": greeting})

    def _next(self) -> dict[str, str]:
        return {"greeting": next(self._greetings)}

    def _edit(self) -> None:
        program = self._ours.root / _PROGRAM
        program.write_text(program.read_text() + f"# {next(self._greetings)}\n")

    def _build_and_up(self) -> Sample:
        built = self._ours.run("soop", "build", f"service_defs/{SERVICE}")
        self._reference = next(word for word in built.said.split() if word.startswith(f"{SERVICE}-1.0.1-dev"))
        self._define("good evening")
        up = self._ours.up(self._domain, expect="1 updated")
        return Sample(built.seconds + up.seconds, 0)

    def _make_tools(self) -> Tools:
        state = self._ours.state(self._domain)
        files = [*(HERE / "small" / "peers").iterdir(), self._ours.root / _PROGRAM]
        places = [Place(node.name, node.address, node.target.host_key) for node in state.nodes]
        return Tools(self._ours.root / "tools", files, {"web": places}, state.private_key or "")
