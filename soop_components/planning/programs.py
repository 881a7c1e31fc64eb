"""Endpoints, smoke tests and hooks of a service, rendered for a domain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from soop_components.artifact.definition import ResolvedDefinition
from soop_components.errors import SoopError
from soop_components.model.duration import seconds_of
from soop_components.model.names import shown
from soop_components.model.plan import HookPlan, HttpSmoke, ScriptSmoke, SmokeTestPlan
from soop_components.model.problem import got
from soop_components.model.service import Hook, HookName, ServiceDefinition
from soop_components.model.smoke_test import HttpCheck, SmokeTest
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
    secrets: Collection[str]
    """Keys of secrets that there are."""
    where: Place

    def smoke_tests(self) -> tuple[SmokeTestPlan, ...]:
        """Return each smoke test rendered; one whose role has no node in this domain has nothing to test."""
        found = []
        for index, test in enumerate(self.resolved.definition.smoke_tests):
            place = self.where.at("smoke_tests", index)
            role = self._role(test)
            one = (test.nodes or ("every" if test.http else "one")) == "one"
            if nodes := self.names[role][: 1 if one and test.when == "end" else None]:
                found.append(
                    SmokeTestPlan(
                        name=test.name,
                        timeout=test.timeout,
                        when=test.when,
                        one=one,
                        http=self._http(test.http, nodes, place) if test.http is not None else None,
                        script=self._script(test, test.script, nodes, place) if test.script is not None else None,
                    )
                )
        return tuple(found)

    def _role(self, test: SmokeTest) -> str:
        endpoints = self.resolved.definition.endpoints
        if test.http is not None:
            return endpoints[test.http.endpoint].role
        return test.role or next(iter(endpoints.values())).role

    def _http(self, check: HttpCheck, nodes: tuple[str, ...], place: Place) -> HttpSmoke:
        place, expect = place.at("http"), check.expect
        public = {
            "scheme": self.resolved.definition.endpoints[check.endpoint].scheme,
            "method": check.method,
            "path": self._text(check.path, place.at("path")),
            "port": self.ports[check.endpoint],
            "nodes": nodes,
            "follow_redirects": check.follow_redirects,
            "status": expect.status,
            "answered_headers": self._texts(expect.headers, place.at("expect", "headers")),
            "json": evaluate(expect.json_, self.scope, place.at("expect", "json")),
            "contains": self._text(expect.contains, place.at("expect", "contains")),
        }
        if MARK.search(repr(public)):
            hint = "headers and body may hold secrets; or use a script"
            raise SoopError(f"{place}: a secret cannot be part of this: it would be shown", hint)
        may_hold_secrets = {
            "headers": self._texts(check.headers, place.at("headers")),
            "body": self._text(check.body, place.at("body")),
            "trust": self._text(check.trust, place.at("trust")),
        }
        for mark in MARK.finditer(repr(may_hold_secrets)):
            if mark["kind"] != "secret" or mark["key"] not in self.secrets:
                raise SoopError(f"{place}: {shown(mark[0])} is replaced by nothing: no such secret")
        return validated(HttpSmoke, {**public, **may_hold_secrets}, place)

    def _text(self, text: str | None, place: Place) -> str | None:
        return unmarked(render(text, self.scope, place)) if text is not None else None

    def _texts(self, texts: Mapping[str, str], place: Place) -> dict[str, str]:
        return {name: unmarked(render(text, self.scope, place.at(name))) for name, text in texts.items()}

    def _script(self, test: SmokeTest, source: str, nodes: tuple[str, ...], place: Place) -> ScriptSmoke:
        blob, environment = self._blob(source, place.at("script")), self._environment()
        return ScriptSmoke(nodes=nodes, blob=blob, source=source, environment=environment, secrets=test.secrets)

    def hooks(self, role: str) -> dict[HookName, HookPlan]:
        """Return the hooks of a role, which are given what smoke tests are."""
        found: dict[HookName, HookPlan] = {}
        hooks = self.resolved.definition.nodes[role].hooks
        for name in get_args(HookName):
            hook: Hook | None = getattr(hooks, name)
            if hook is not None:
                blob = self._blob(hook.script, self.where.at("nodes", role, "hooks", name, "script"))
                found[name] = HookPlan(
                    blob=blob,
                    source=hook.script,
                    environment=self._environment(),
                    timeout=seconds_of(hook.timeout),
                    secrets=hook.secrets,
                )
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


def program_secrets(tests: Iterable[SmokeTestPlan], hooks: Iterable[HookPlan]) -> set[str]:
    """Return the secrets that smoke tests and hooks need."""
    found = {key for hook in hooks for key in hook.secrets}
    for test in tests:
        found |= set(test.script.secrets) if test.script else set()
        found |= {mark["key"] for mark in MARK.finditer(test.model_dump_json()) if mark["kind"] == "secret"}
    return found
