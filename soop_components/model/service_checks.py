"""What must hold between the parts of a service definition."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soop_components.model.options import value_problem
from soop_components.model.order import circle_in
from soop_components.model.paths import path_problem
from soop_components.model.patterns import match_cost, size_problem
from soop_components.model.problem import Keys, Problem, ProblemKind, got
from soop_components.model.service import ConfigOption, NodeDefinition, ServiceDefinition
from soop_components.model.size import bytes_of
from soop_components.model.smoke_test import HttpCheck, SmokeTest
from soop_components.model.versions import VersionRange

_MOST_MATCHING = 20_000_000
"""Steps that matching all defaults may take together."""
_SMALLEST_DISK, _LARGEST_DISK = "8MiB", "16TiB"
"""What a file system that outlives its machine can be made on."""
NO_DISK = "the role has no disk"
_SYSTEM_FOLDERS = re.compile(r"/(?:bin|boot|dev|etc|lib|lib64|proc|root|run|sbin|sys|tmp|usr|var)?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SYSTEM_TREES = (
    "/bin/", "/boot/", "/dev/", "/etc/", "/lib/", "/lib64/", "/proc/", "/run/", "/sbin/", "/sys/", "/usr/"
)  # fmt: skip


def service_problems(definition: ServiceDefinition) -> list[Problem]:
    """Return all mistakes that the definition can be seen to have by itself."""
    return [
        *_config_problems(definition),
        *_component_problems(definition),
        *_node_problems(definition),
        *_order_problems(definition),
        *_endpoint_problems(definition),
        *_smoke_test_problems(definition),
        *_program_problems(definition),
        *_secret_problems(definition),
        *_requirement_problems(definition),
    ]


def _config_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    too_large = size_problem(option.pattern for option in definition.config.values())
    if too_large or _match_cost(definition) > _MOST_MATCHING:
        yield Problem(("config",), too_large or "the patterns are too large for the texts that they are to match")
        return
    for key, option in definition.config.items():
        for part, text in _option_problems(option):
            yield Problem(("config", key, part), text)


def _match_cost(definition: ServiceDefinition) -> int:
    options = definition.config.values()
    return sum(
        match_cost(each.pattern, each.default) for each in options if each.pattern and isinstance(each.default, str)
    )


def _option_problems(option: ConfigOption) -> Iterator[tuple[str, str]]:
    if option.secret and option.type != "string":
        yield "type", f"expected string: a secret is text {got(option.type)}"
    if option.secret and option.default is not None:
        yield "default", "a secret has no default; use generate, or let each domain give it"
    if option.generate is not None and not option.secret:
        yield "generate", "only a secret is generated; add secret: true"
    bounds = list(_bound_problems(option))
    yield from bounds
    if option.default is not None and not option.secret and not bounds:
        problem = value_problem(option, option.default)
        if problem:
            yield "default", problem


def _bound_problems(option: ConfigOption) -> Iterator[tuple[str, str]]:
    """Find bounds that contradict each other, or that values of this type do not have."""
    for bound in ("minimum", "maximum"):
        if getattr(option, bound) is not None and option.type not in ("integer", "number"):
            yield bound, f"only numbers have a {bound}"
    if option.minimum is not None and option.maximum is not None and option.minimum > option.maximum:
        yield "minimum", f"expected at most the maximum {option.maximum:g} (got {option.minimum:g})"
    if option.pattern is not None and option.type != "string":
        yield "pattern", "only text has a pattern"


def _component_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    used = {name for node in definition.nodes.values() for name in node.components}
    for name in definition.components:
        if name not in used:
            yield Problem(("components", name), "no node definition uses this component", ProblemKind.UNUSED)


def _node_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    for role, node in definition.nodes.items():
        place = ("nodes", role)
        for index, name in enumerate(node.components):
            if name not in definition.components:
                yield Problem.unknown((*place, "components", index), "component", name, definition.components)
            elif name in node.components[:index]:
                yield Problem((*place, "components", index), f"{name} is there already")
        for index, name in enumerate(node.after):
            if name not in definition.nodes:
                yield Problem.unknown((*place, "after", index), "role", name, definition.nodes)
        yield from _count_problems(role, node)
        yield from _disk_problems(role, node)


def _count_problems(role: str, node: NodeDefinition) -> Iterator[Problem]:
    count, path = node.count, ("nodes", role, "count")
    if count.minimum > count.maximum:
        yield Problem((*path, "minimum"), f"expected at most the maximum {count.maximum} {got(count.minimum)}")
    elif count.default < count.minimum:
        yield Problem((*path, "default"), f"expected at least the minimum {count.minimum} {got(count.default)}")
    elif count.default > count.maximum:
        yield Problem((*path, "default"), f"expected at most the maximum {count.maximum} {got(count.default)}")


def _disk_problems(role: str, node: NodeDefinition) -> Iterator[Problem]:
    if node.disk is None:
        if node.rollout.snapshot:
            yield Problem(("nodes", role, "rollout", "snapshot"), NO_DISK)
        return
    if not bytes_of(_SMALLEST_DISK) <= bytes_of(node.disk.size) <= bytes_of(_LARGEST_DISK):
        expected = f"expected {_SMALLEST_DISK} to {_LARGEST_DISK} {got(node.disk.size)}"
        yield Problem(("nodes", role, "disk", "size"), expected)
    mount = node.disk.mount
    path = ("nodes", role, "disk", "mount")
    if any(part in ("", ".", "..") for part in mount[1:].split("/")):
        yield Problem(path, f"expected a path without '.', '..' and double or final slashes {got(mount)}")
    elif _SYSTEM_FOLDERS.fullmatch(mount) or mount.startswith(_SYSTEM_TREES):
        yield Problem(path, f"the system needs this folder itself {got(mount)}")


def _order_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    """Find a circle of roles that wait for each other."""
    circle = circle_in({role: node.after for role, node in definition.nodes.items()})
    if circle:
        yield Problem(
            ("nodes", circle[0], "after"), f"roles wait for each other: {' after '.join([*circle, circle[0]])}"
        )


def _endpoint_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    for name, endpoint in definition.endpoints.items():
        if endpoint.role not in definition.nodes:
            yield Problem.unknown(("endpoints", name, "role"), "role", endpoint.role, definition.nodes)
        port = endpoint.port
        valid = 1 <= port <= 65535 if isinstance(port, int) else re.search(r"\{\{.*\}\}", port) is not None
        if not valid:
            yield Problem(("endpoints", name, "port"), f"expected a port, 1 to 65535, or a template {got(port)}")


def _program_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    for place, path in definition.programs.items():
        if problem := path_problem(path):
            yield Problem(place, problem)


def _secret_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    """Find secrets that programs or other services are to get and that there are not."""
    known = [key for key, option in definition.config.items() if option.secret]
    given: dict[Keys, tuple[str, ...]] = {("exports",): definition.exports.secrets}
    for index, test in enumerate(definition.smoke_tests):
        given["smoke_tests", index] = test.secrets
    for role, node in definition.nodes.items():
        given |= {("nodes", role, "hooks", name): hook.secrets for name, hook in node.hooks if hook}
    for place, names in given.items():
        for index, name in enumerate(names):
            if name not in known:
                yield Problem.unknown((*place, "secrets", index), "secret", name, known)


def _smoke_test_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    names: set[str] = set()
    for index, test in enumerate(definition.smoke_tests):
        place = ("smoke_tests", index)
        yield from _one_smoke_test(definition, test, place)
        if test.name in names:
            yield Problem((*place, "name"), f"another smoke test has this name {got(test.name)}")
        names.add(test.name)


def _one_smoke_test(definition: ServiceDefinition, test: SmokeTest, place: Keys) -> Iterator[Problem]:
    if (test.http is None) == (test.script is None):
        yield Problem(place, f"expected exactly one of http and script (got {'both' if test.http else 'none'})")
    if test.http is not None:
        yield from _request_problems(definition, test.http, (*place, "http"))
        if test.secrets:
            yield Problem((*place, "secrets"), "only a script is given secrets; headers and body may hold them")
        if test.role is not None and test.script is None:
            yield Problem((*place, "role"), "only a script runs on a role; an HTTP check goes to its endpoint")
    if test.script is not None and test.role is None and not definition.endpoints:
        yield Problem((*place, "role"), "is required: the service has no endpoint whose role would be taken")
    if test.role is not None and test.role not in definition.nodes:
        yield Problem.unknown((*place, "role"), "role", test.role, definition.nodes)


def _request_problems(definition: ServiceDefinition, check: HttpCheck, place: Keys) -> Iterator[Problem]:
    endpoint = definition.endpoints.get(check.endpoint)
    if endpoint is None:
        yield Problem.unknown((*place, "endpoint"), "endpoint", check.endpoint, definition.endpoints)
    elif endpoint.scheme not in ("http", "https"):
        wanted = f"expected an endpoint of the scheme http or https {got(endpoint.scheme)}"
        yield Problem((*place, "endpoint"), wanted)
    elif endpoint.scheme == "http" and check.trust is not None:
        yield Problem((*place, "trust"), "only an endpoint of the scheme https has a certificate")
    if not check.path.startswith("/"):
        yield Problem((*place, "path"), f"expected a path that starts with / {got(check.path)}")
    for keys, headers in ((("headers",), check.headers), (("expect", "headers"), check.expect.headers)):
        seen: set[str] = set()
        for name in headers:
            if not _HEADER.fullmatch(name) or name.lower() in seen:
                yield Problem((*place, *keys, name), "expected the name of a header, once")
            seen.add(name.lower())


def _requirement_problems(definition: ServiceDefinition) -> Iterator[Problem]:
    for name, text in definition.requires.items():
        if name == definition.service:
            yield Problem(("requires", name), "a service does not require itself")
        try:
            VersionRange.parse(text)
        except ValueError as error:
            yield Problem(("requires", name), f"{error} {got(text)}")
