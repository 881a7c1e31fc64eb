"""Endpoints, smoke tests and hooks of a service, rendered for a domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from soop_components.artifact.definition import ResolvedDefinition
from soop_components.errors import SoopError
from soop_components.model.duration import seconds_of
from soop_components.model.names import shown
from soop_components.model.plan import HookPlan, HttpSmoke, ScriptSmoke, SmokeTestPlan
from soop_components.model.problem import got
from soop_components.model.service import Hook, HookName, HttpCheck, ServiceDefinition, SmokeTest
from soop_components.planning.marks import MARK, unmarked
from soop_components.planning.parts import validated
from soop_components.planning.place import Place
from soop_components.planning.scope import Scope
from soop_components.planning.templates import evaluate, render


def endpoint_ports(definition: ServiceDefinition, scope: Scope, where: Place) -> dict[str, int]:
    """Return the port of each endpoint."""
    ports: dict[str, int] = {}
    for name, endpoint in definition.endpoints.items():
        place = where.at("endpoints", name, "port")
        ports[name] = port_number(evaluate(endpoint.port, scope, place), place)
    return ports


def port_number(value: object, where: Place) -> int:
    """Return a number that can be a port."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise SoopError(f"{where}: expected a port, 1 to 65535 {got(value)}")
    return value


@dataclass(frozen=True)
class Programs:
    """The smoke tests and hooks of a service in a domain; ``names`` are the node names by role."""

    resolved: ResolvedDefinition
    scope: Scope
    names: Mapping[str, tuple[str, ...]]
    ports: Mapping[str, int]
    endpoints: Mapping[str, tuple[str, ...]]
    domain: str
    where: Place

    def smoke_tests(self) -> tuple[SmokeTestPlan, ...]:
        """Return each smoke test rendered; one whose role has no node in this domain has nothing to test."""
        found = []
        for index, test in enumerate(self.resolved.definition.smoke_tests):
            place = self.where.at("smoke_tests", index)
            role = self._role(test)
            if self.names[role]:
                http = self._http(test.http, role, place) if test.http is not None else None
                script = self._script(test.script, role, place) if test.script is not None else None
                found.append(SmokeTestPlan(name=test.name, timeout=test.timeout, http=http, script=script))
        return tuple(found)

    def _role(self, test: SmokeTest) -> str:
        endpoints = self.resolved.definition.endpoints
        if test.http is not None:
            return endpoints[test.http.endpoint].role
        return test.role or next(iter(endpoints.values())).role

    def _http(self, check: HttpCheck, role: str, place: Place) -> HttpSmoke:
        data = {
            "method": check.method,
            "path": self._text(check.path, place.at("http", "path")),
            "port": self.ports[check.endpoint],
            "nodes": self.names[role],
            "status": check.expect.status,
            "json": evaluate(check.expect.json_, self.scope, place.at("http", "expect", "json")),
            "contains": self._text(check.expect.contains, place.at("http", "expect", "contains")),
        }
        if MARK.search(repr(data)):
            raise SoopError(f"{place.at('http')}: a secret cannot be part of a check over HTTP", "use a script")
        return validated(HttpSmoke, data, place.at("http"))

    def _text(self, text: str | None, place: Place) -> str | None:
        return unmarked(render(text, self.scope, place)) if text is not None else None

    def _script(self, source: str, role: str, place: Place) -> ScriptSmoke:
        blob = self._blob(source, place.at("script"))
        return ScriptSmoke(node=self.names[role][0], blob=blob, source=source, environment=self._environment())

    def hooks(self, role: str) -> dict[HookName, HookPlan]:
        """Return the hooks of a role, which are given what smoke tests are."""
        found: dict[HookName, HookPlan] = {}
        hooks = self.resolved.definition.nodes[role].hooks
        for name in get_args(HookName):
            hook: Hook | None = getattr(hooks, name)
            if hook is not None:
                blob = self._blob(hook.script, self.where.at("nodes", role, "hooks", name, "script"))
                environment, timeout = self._environment(), seconds_of(hook.timeout)
                found[name] = HookPlan(blob=blob, source=hook.script, environment=environment, timeout=timeout)
        return found

    def _blob(self, source: str, place: Place) -> str:
        packed = self.resolved.smoke
        if packed is None or source not in packed.files:
            raise SoopError(f"{place}: the artifact has no {shown(source)}")
        return packed.blob

    def _environment(self) -> dict[str, str]:
        """Return the variables that the program of a smoke test or a hook gets."""
        definition = self.resolved.definition
        said = {"SERVICE": definition.service, "VERSION": definition.version, "DOMAIN": self.domain}
        said |= {f"ENDPOINT_{name}": addresses[0] for name, addresses in self.endpoints.items() if addresses}
        said |= {f"NODES_{role}": ",".join(names) for role, names in self.names.items()}
        return {f"SOOP_{name.upper().replace('-', '_')}": value for name, value in said.items()}
